"""Invalid events either raise at the caller's line, or are logged, counted and dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import FormoAnalytics, ValidationError, formo_flush
from formo_lambda.testing import FakeLambdaContext, RecordingTransport
from tests.client.recorded import names

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.recorded import MakeClient

#: Invalid calls of every method, the field that each breaks, and a text of the caller's that must not be logged.
INVALID: dict[str, tuple[Callable[[FormoAnalytics], str], str]] = {
    "track": (lambda client: client.track("Paid", address="s3cr3t"), "address"),
    "name": (lambda client: client.track(""), "event"),
    "revenue": (lambda client: client.track("Paid", properties={"revenue": "s3cr3t"}), "properties.revenue"),
    "value": (lambda client: client.track("Paid", properties={"s": [object()]}), "properties.s[0]"),
    "identify": (lambda client: client.identify("s3cr3t"), "address"),
    "page": (lambda client: client.page(url=5), "url"),  # type: ignore[arg-type]  # on purpose
    "detect": (lambda client: client.detect(provider_name="", rdns="io.metamask"), "provider_name"),
    "connect": (lambda client: client.connect("0x" + "0" * 39, chain_id=1), "address"),
    "disconnect": (lambda client: client.disconnect(chain_id=0), "chain_id"),
    "chain": (lambda client: client.chain("0x" + "ab" * 20, chain_id=-5), "chain_id"),
    "signature": (
        lambda client: client.signature("0x" + "ab" * 20, chain_id=1, status="s3cr3t"),  # type: ignore[arg-type]
        "status",
    ),
    "transaction": (
        lambda client: client.transaction("0x" + "ab" * 20, chain_id=1, status="confirmed", transaction_hash="s3cr3t"),
        "transaction_hash",
    ),
}


@pytest.mark.parametrize(("call", "field"), INVALID.values(), ids=INVALID)
class TestInvalidEvents:
    """What each invalid call does."""

    def test_raising(
        self, client: FormoAnalytics, transport: RecordingTransport, call: Callable[..., str], field: str
    ) -> None:
        """By default the call raises an error with the field, and nothing is recorded."""
        with pytest.raises(ValidationError) as caught:
            call(client)
        assert caught.value.field == field
        assert client.flush().sent == 0
        assert client.stats == type(client.stats)()

    def test_logging(
        self,
        make_client: MakeClient,
        transport: RecordingTransport,
        caplog: pytest.LogCaptureFixture,
        call: Callable[..., str],
        field: str,
    ) -> None:
        """With "log" it returns an empty id, one warning names field and rule but no value, and it is counted."""
        client = make_client(on_invalid="log")
        with client.invocation() as run:
            assert call(client) == ""
            client.track("Valid")
        assert names(transport) == ["Valid"]
        (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
        assert f"Invalid {field}: " in record.getMessage()
        assert "s3cr3t" not in caplog.text
        assert run.result is not None
        assert (run.result.sent, run.result.invalid, run.result.ok) == (1, 1, True)
        assert (client.stats.invalid, client.stats.tracked) == (1, 1)


class TestLogging:
    """`on_invalid="log"` where it matters."""

    def test_the_business_goes_on(self, make_client: MakeClient, transport: RecordingTransport) -> None:
        """A handler with nothing but invalid events returns what it returns, and makes no request."""
        client = make_client(on_invalid="log")

        @formo_flush
        def handler(event: dict[str, Any], context: object) -> str:
            client.track("Paid", address=event["wallet"], properties={"revenue": -1})
            return "paid"

        assert handler({"wallet": None}, FakeLambdaContext()) == "paid"
        assert transport.requests == []
        assert client.stats.invalid == 1

    def test_only_invalid_events_are_in_the_result(self, make_client: MakeClient) -> None:
        """The flush of an invocation with nothing but invalid events says how many they were."""
        client = make_client(on_invalid="log")
        with client.invocation() as run:
            client.track("")
            client.track("")
        assert run.result is not None
        assert run.result == run.result._replace(sent=0, invalid=2, requests=0, errors=())

    def test_outside_of_an_invocation(self, make_client: MakeClient) -> None:
        """Invalid events outside of any invocation are in the result of the next flush, and in no later one."""
        client = make_client(on_invalid="log")
        client.track("")
        assert [client.flush().invalid, client.flush().invalid] == [1, 0]
        assert client.stats.invalid == 1

    def test_of_nested_scopes(self, make_client: MakeClient) -> None:
        """Invalid events of nested scopes are in the result of the outermost, those of discarded ones too."""
        client = make_client(on_invalid="log")
        with client.invocation() as run:
            client.track("")
            with client.invocation():
                client.track("")
            with pytest.raises(KeyError), client.invocation(on_exception="discard"):
                client.track("")
                raise KeyError
        assert run.result is not None
        assert run.result.invalid == 3

    def test_programming_errors_still_raise(self, make_client: MakeClient) -> None:
        """A call with an argument that no method has is a mistake in the program, and raises at its line."""
        client = make_client(on_invalid="log")
        with pytest.raises(TypeError, match="adress"):
            client.track("Paid", adress="0x" + "ab" * 20)  # type: ignore[call-arg]  # on purpose
        with pytest.raises(TypeError, match="chain"):
            client.connect("0x" + "ab" * 20, chain=1)  # type: ignore[call-arg]  # on purpose
        assert client.stats.invalid == 0

    def test_a_disabled_client_validates_too(self, make_client: MakeClient) -> None:
        """A client that sends nothing finds the same faults, and counts them."""
        client = make_client(on_invalid="log", enabled=False)
        assert client.track("") == ""
        assert client.flush().invalid == 1
