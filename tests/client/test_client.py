"""The client's own promises: construction, closing, the switch, the totals, bad input."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from formo_lambda import ConfigurationError, DeliveryError, FormoAnalytics, ValidationError, formo_flush
from formo_lambda.testing import FakeLambdaContext, RecordingTransport
from tests.client.recorded import KEY, names
from tests.promises.faults.waiting import wait_until

if TYPE_CHECKING:
    from tests.client.recorded import MakeClient

ADDRESS = "0x9798d87366bdfc5d70b300abdffc4f9e95369b3d"


def senders() -> set[threading.Thread]:
    """Return the threads of all clients, those of other tests among them, which may end at any time."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("formo")}


# -- construction ------------------------------------------------------------------------------------------------------


def test_construction_starts_nothing(transport: RecordingTransport) -> None:
    """No thread and no request until the first event."""
    before = senders()
    FormoAnalytics(KEY, transport=transport, handle_signals=False)
    assert senders() <= before
    assert transport.requests == []


def test_a_missing_key_is_told_where_it_is_missed() -> None:
    """The error says what to set, and how builds and tests do without."""
    with pytest.raises(ConfigurationError) as caught:
        FormoAnalytics()
    for said in ("write_key", "FORMO_WRITE_KEY", "FORMO_DISABLED=1"):
        assert said in str(caught.value)


def test_key_and_host_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, transport: RecordingTransport) -> None:
    """A client made with nothing is configured by the environment."""
    monkeypatch.setenv("FORMO_WRITE_KEY", KEY)
    monkeypatch.setenv("FORMO_EVENTS_BASE_URL", "http://127.0.0.1:9")
    client = FormoAnalytics(transport=transport, handle_signals=False)
    client.track("Configured")
    assert client.flush().sent == 1
    assert transport.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "http://127.0.0.1:9" in repr(client)


class Settings(NamedTuple):
    """What an application may keep its client in."""

    client: FormoAnalytics


@dataclasses.dataclass
class Service:
    """Likewise; its `asdict` copies what it holds."""

    client: FormoAnalytics


#: How libraries copy what holds a client.
COPIES: dict[str, Callable[[FormoAnalytics], object]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy of a dict": lambda client: copy.deepcopy({"client": client})["client"],
    "deepcopy of a tuple": lambda client: copy.deepcopy(Settings(client)).client,
    "dataclasses.asdict": lambda client: dataclasses.asdict(Service(client))["client"],
    "dataclasses.replace": lambda client: dataclasses.replace(Service(client)).client,
}


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_is_the_client_itself(client: FormoAnalytics, transport: RecordingTransport, way: str) -> None:
    """Settings and models that hold a client are copied, and go on to share its buffer and its connections."""
    assert COPIES[way](client) is client
    client.track("Copied")
    assert client.flush().sent == len(transport.events) == 1


def test_it_shows_everything_but_the_key(client: FormoAnalytics) -> None:
    """The repr tells the endpoint, and the key masked."""
    assert repr(client) == "FormoAnalytics(write_key='***', endpoint='https://events.formo.so/v0/raw_events')"


# -- tracking ----------------------------------------------------------------------------------------------------------


def test_track_returns_the_id_that_is_sent(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """So does identify."""
    ids = [client.track("Swap Completed", address=ADDRESS), client.identify(ADDRESS)]
    client.flush()
    assert [event["message_id"] for event in transport.events] == ids
    assert [event["type"] for event in transport.events] == ["track", "identify"]
    assert transport.problems == []


def test_what_was_tracked_does_not_change(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """The caller's dicts are copied at the call and left as they were."""
    properties: dict[str, Any] = {"tags": ["a"], "deep": {"n": 1}}
    context = {"locale": "en"}
    client.track("Copied", properties=properties, context=context)
    assert (properties, context) == ({"tags": ["a"], "deep": {"n": 1}}, {"locale": "en"})
    properties["tags"].append("b")
    properties["deep"]["n"] = 2
    context["locale"] = "de"
    client.flush()
    (event,) = transport.events
    assert event["properties"] == {"tags": ["a"], "deep": {"n": 1}}
    assert event["context"]["locale"] == "en"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"event": ""}, "event"),
        ({"event": None}, "event"),
        ({"event": 5}, "event"),
        ({"event": "E", "address": "0x12"}, "address"),
        ({"event": "E", "properties": [1]}, "properties"),
        ({"event": "E", "properties": {"revenue": "much"}}, "properties.revenue"),
        ({"event": "E", "context": "here"}, "context"),
        ({"event": "E", "timestamp": "yesterday"}, "timestamp"),
        ({"event": "E", "anonymous_id": "me"}, "anonymous_id"),
        ({"event": "E", "properties": {"padding": "x" * 500_000}}, "properties"),
    ],
)
def test_bad_input_raises_at_the_call_and_records_nothing(
    client: FormoAnalytics, transport: RecordingTransport, arguments: dict[str, Any], field: str
) -> None:
    """The error names the field; the buffers are as before, inside an invocation and outside."""
    with pytest.raises(ValidationError) as caught:
        client.track(**arguments)
    assert caught.value.field == field
    with client.invocation() as invocation, pytest.raises(ValidationError):
        client.track(**arguments)
    assert invocation.result is not None
    assert (invocation.result.sent, invocation.result.invalid) == (0, 0)
    assert client.stats.tracked == 0
    assert transport.requests == []


def test_the_lambda_context_is_no_context(client: FormoAnalytics) -> None:
    """Passing the wrong one of two things called context is told in so many words."""
    with pytest.raises(ValidationError, match="Lambda context") as caught:
        client.track("Mixed Up", context=FakeLambdaContext())  # type: ignore[arg-type] # that is what is tested
    assert caught.value.field == "context"


def test_invalid_events_can_be_logged_instead(
    make_client: MakeClient, transport: RecordingTransport, caplog: pytest.LogCaptureFixture
) -> None:
    """With on_invalid="log" nothing raises: a warning each, counted by the next flush, and the good ones arrive."""
    client = make_client(on_invalid="log")
    with client.invocation() as invocation:
        assert client.track("", properties={"secret": "s3cr3t"}) == ""
        assert client.track("Good") != ""
        assert client.identify("nobody") == ""
    assert invocation.result is not None
    assert (invocation.result.sent, invocation.result.invalid, invocation.result.ok) == (1, 2, True)
    assert client.stats.invalid == 2
    warnings = [record.getMessage() for record in caplog.records if "invalid" in record.getMessage()]
    assert len(warnings) == 2
    assert "s3cr3t" not in caplog.text
    assert names(transport) == ["Good"]
    client.track("")
    assert client.flush().invalid == 1


@pytest.mark.parametrize("on_invalid", ["raise", "log"])
def test_the_zero_address_breaks_no_handler(
    make_client: MakeClient, transport: RecordingTransport, caplog: pytest.LogCaptureFixture, on_invalid: str
) -> None:
    """An event of an address that nobody has the key to is dropped, told and counted, whatever `on_invalid` says."""
    client = make_client(on_invalid=on_invalid)
    zero = "0x" + "0" * 40
    assert client.track("Transfer", address=zero) == ""
    assert client.connect("11111111111111111111111111111111", chain_id=900_001) == ""
    client.track("Transfer", address="0x000000000000000000000000000000000000bEEF")
    result = client.flush()
    assert (result.sent, result.invalid, len(transport.events)) == (1, 2, 1)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [("address" in text, zero in text) for text in warnings] == [(True, False)] * 2


def test_on_invalid_log_is_for_events_only(make_client: MakeClient) -> None:
    """A fault in how a method is called is a TypeError as ever."""
    client = make_client(on_invalid="log")
    with pytest.raises(TypeError):
        client.track("Good", no_such_field=1)  # type: ignore[call-arg] # that is what is tested


def test_what_json_lacks_can_be_taught(make_client: MakeClient, transport: RecordingTransport) -> None:
    """json_default gives a form to what has none."""

    class Coin:
        name = "ETH"

    client = make_client(json_default=lambda value: getattr(value, "name", None))
    client.track("Paid", properties={"coin": Coin()})
    client.flush()
    assert transport.events[0]["properties"]["coin"] == "ETH"


# -- closing -----------------------------------------------------------------------------------------------------------


def test_closed_is_flushed_and_tracking_reopens(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Closing twice is fine, and so is tracking afterwards."""
    client.track("First")
    assert client.close().sent == 1
    assert client.close().sent == 0
    client.track("Second")
    assert client.close().sent == 1
    assert names(transport) == ["First", "Second"]


def test_a_with_statement_closes(transport: RecordingTransport) -> None:
    """Left well or by an exception, which passes."""
    with FormoAnalytics(KEY, transport=transport, handle_signals=False) as client:
        client.track("Well")
    with pytest.raises(KeyError, match="through"), client:
        client.track("Badly")
        raise KeyError("through")
    assert names(transport) == ["Well", "Badly"]


def test_an_async_with_statement_closes(transport: RecordingTransport) -> None:
    """Likewise on an event loop."""

    async def main() -> None:
        async with FormoAnalytics(KEY, transport=transport, handle_signals=False) as client:
            client.track("Well")
        with pytest.raises(KeyError, match="through"):
            async with client:
                client.track("Badly")
                raise KeyError("through")

    asyncio.run(main())
    assert names(transport) == ["Well", "Badly"]


# -- the switch --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_disabled_keeps_the_contract_and_sends_nothing(
    monkeypatch: pytest.MonkeyPatch, transport: RecordingTransport, by: str
) -> None:
    """Every method works, bad input raises as ever, and nothing is buffered, sent, or started."""
    if by == "environment":
        monkeypatch.setenv("FORMO_DISABLED", "1")
    client = FormoAnalytics(transport=transport, enabled=False if by == "argument" else None)
    before = senders()

    @formo_flush
    def handler(event: object, context: object) -> str:
        return client.track("Nothing")

    with client.invocation() as invocation:
        ids = {client.track("Nothing"), client.identify(ADDRESS), handler({}, FakeLambdaContext())}
    assert len(ids) == 3
    assert all(len(each) == 36 for each in ids)
    assert invocation.result is not None
    for result in (invocation.result, client.flush(), client.close(), asyncio.run(client.aflush())):
        assert result._replace(elapsed=0.0) == (0, 0, 0, 0, 0, 0, 0, 0.0, ())
    with pytest.raises(ValidationError):
        client.track("")
    assert client.stats == (0,) * 9
    assert transport.requests == []
    assert senders() <= before
    assert "enabled=False" in repr(client)


# -- the totals --------------------------------------------------------------------------------------------------------


def test_the_totals_add_up(make_client: MakeClient, transport: RecordingTransport) -> None:
    """At each step of a life: tracked is what is buffered, sent, retained, undelivered and discarded."""
    client = make_client(retry_count=0, flush_at=100)

    def check(**expected: int) -> None:
        stats = client.stats
        assert stats.tracked == stats.buffered + stats.sent + stats.retained + stats.undelivered + stats.discarded
        assert {name: getattr(stats, name) for name in expected} == expected

    check(tracked=0)
    for _ in range(3):
        client.track("Counted")
    check(tracked=3, buffered=3, requests=0)
    transport.respond_with(500)
    client.flush()
    check(tracked=3, buffered=0, retained=3, requests=1)
    client.flush()
    check(tracked=3, sent=3, retained=0, requests=2)
    transport.respond_with(403)
    client.track("Counted")
    client.flush()
    check(tracked=4, sent=3, undelivered=1, requests=3)
    with pytest.raises(OSError, match="rule"), client.invocation(on_exception="discard"):
        client.track("Counted")
        check(tracked=5, buffered=1)
        raise OSError("rule")
    check(tracked=5, buffered=0, discarded=1)
    with client.invocation():
        client.track("Counted")
        check(tracked=6, buffered=1)
    check(tracked=6, sent=4, buffered=0)


def test_totals_can_be_read_at_any_time(make_client: MakeClient, transport: RecordingTransport) -> None:
    """While threads track and senders send, every reading adds up and none runs backwards."""
    client = make_client(flush_at=3)
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.0005):
            client.track("Counted")

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    sent = 0
    try:
        for _ in range(2_000):
            stats = client.stats
            assert stats.tracked == stats.buffered + stats.sent + stats.retained + stats.undelivered
            assert stats.sent >= sent
            assert min(stats) >= 0
            sent = stats.sent
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert client.flush().ok
    assert client.stats.sent == client.stats.tracked == len(transport.events)


# -- what is given up --------------------------------------------------------------------------------------------------


def test_given_up_events_are_handed_over(make_client: MakeClient, transport: RecordingTransport) -> None:
    """The sink gets the dicts as sent and the reason, before flush returns."""
    handed: list[tuple[list[dict[str, Any]], Exception]] = []
    client = make_client(on_undelivered=lambda events, error: handed.append((events, error)))
    transport.respond_with(401)
    ids = [client.track("Refused", properties={"n": n}) for n in range(3)]
    result = client.flush()
    assert result.undelivered == 3
    ((events, error),) = handed
    assert [event["message_id"] for event in events] == ids
    assert [event["properties"] for event in events] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert set(events[0]) == set(transport.requests[0].events[0])
    assert isinstance(error, DeliveryError)
    assert (error.status, error.count) == (401, 3)


@pytest.mark.parametrize("failure", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_sink_that_raises_hurts_nobody(
    make_client: MakeClient, transport: RecordingTransport, failure: type[BaseException]
) -> None:
    """Flush returns in time, and the client goes on delivering."""

    def sink(events: list[dict[str, Any]], error: Exception) -> None:
        raise failure

    client = make_client(on_undelivered=sink, flush_timeout=0.5)
    for _ in range(6):
        transport.respond_with(401)
        client.track("Refused")
        result = client.flush()
        assert (result.undelivered, result.elapsed < 0.3) == (1, True)
        client.track("Good")
        assert client.flush().sent == 1


def test_a_sink_that_hangs_holds_flush_to_its_deadline(make_client: MakeClient, transport: RecordingTransport) -> None:
    """The wait for it ends with the deadline, and the next events are delivered beside it."""
    release = threading.Event()
    client = make_client(on_undelivered=lambda events, error: release.wait(10.0), flush_timeout=0.2)
    transport.respond_with(401)
    client.track("Refused")
    assert client.flush().elapsed < 0.45
    client.track("Good")
    assert client.flush().sent == 1
    release.set()


def test_a_sink_may_use_the_client(make_client: MakeClient, transport: RecordingTransport) -> None:
    """Tracking and flushing from within the sink end within their bounds, and what it tracked arrives."""

    def sink(events: list[dict[str, Any]], error: Exception) -> None:
        client.track("From the Sink")
        client.flush(0.1)

    client = make_client(on_undelivered=sink, flush_timeout=1.0)
    transport.respond_with(401)
    client.track("Refused")
    client.flush()
    wait_until(lambda: names(transport) == ["From the Sink"])


# -- several clients ---------------------------------------------------------------------------------------------------


def test_two_clients_in_one_invocation(make_client: MakeClient) -> None:
    """Each gets its own events over its own transport, and the result is their sum."""
    one, two = RecordingTransport(), RecordingTransport()
    first, second = make_client(transport=one), make_client(transport=two)
    with first.invocation() as invocation:
        first.track("One")
        second.track("Two")
        second.track("Two")
    assert (names(one), names(two)) == (["One"], ["Two", "Two"])
    assert invocation.result is not None
    assert (invocation.result.sent, invocation.result.requests) == (3, 2)


def test_an_invocation_drains_the_own_buffers_of_all_clients(make_client: MakeClient) -> None:
    """Events that belong to no invocation are sent with any that ends."""
    one, two = RecordingTransport(), RecordingTransport()
    first, second = make_client(transport=one), make_client(transport=two)
    second.track("Outside")
    with first.invocation():
        first.track("Inside")
    assert (names(one), names(two)) == (["Inside"], ["Outside"])


def test_only_the_chosen_clients_are_flushed(make_client: MakeClient) -> None:
    """With `clients`, an invocation waits for those; the events of others are kept, and sent by their own triggers."""
    one, two = RecordingTransport(), RecordingTransport()
    first, second = make_client(transport=one), make_client(transport=two)
    second.track("Outside")

    @formo_flush(clients=[first])
    def handler() -> None:
        first.track("Chosen")
        second.track("Not Chosen")

    handler()
    assert (names(one), names(two)) == (["Chosen"], [])
    assert second.stats.buffered == 2
    assert second.flush().sent == 2


def test_chosen_clients_may_be_none_at_all(make_client: MakeClient, transport: RecordingTransport) -> None:
    """An empty choice flushes nothing and loses nothing."""
    client = make_client()

    @formo_flush(clients=[])
    def handler() -> None:
        client.track("Later")

    handler()
    assert transport.requests == []
    assert client.flush().sent == 1


def test_an_unknown_rule_for_failures_is_refused(client: FormoAnalytics) -> None:
    """A typing error must not discard events in silence."""
    with pytest.raises(ConfigurationError, match="on_exception"):
        client.invocation(on_exception="dicsard")  # type: ignore[arg-type] # that is what is tested
