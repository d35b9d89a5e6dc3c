"""What becomes of the events of a handler that failed: the user's rule."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import ConfigurationError, FormoAnalytics, formo_flush

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.testing import RecordingTransport


def handlers(client: FormoAnalytics, on_exception: Any) -> list[Callable[[BaseException | None], object]]:
    """Return decorated handlers, sync and async, that track and then raise what they are given."""

    @formo_flush(on_exception=on_exception)
    def handler(error: BaseException | None) -> None:
        client.track("Handled")
        if error is not None:
            raise error

    @formo_flush(on_exception=on_exception)
    async def async_handler(error: BaseException | None) -> None:
        client.track("Handled")
        if error is not None:
            raise error

    return [handler, lambda error: asyncio.run(async_handler(error))]


def arrived(
    client: FormoAnalytics, transport: RecordingTransport, on_exception: Any, error: BaseException | None
) -> bool:
    """Return whether the events of handlers that end so are sent under this rule."""
    for number, handler in enumerate(handlers(client, on_exception), 1):
        if error is None:
            handler(None)
        else:
            with pytest.raises(type(error)) as caught:
                handler(error)
            assert caught.value is error
        assert client.stats.buffered == 0
        assert len(transport.events) in (0, number)
    assert client.stats.discarded == 2 - len(transport.events)
    return bool(transport.events)


def test_the_default_is_to_send(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A failed handler has still done what it tracked."""
    assert arrived(client, transport, "send", ValueError("failed"))


def test_discard_drops_the_events_of_a_failure(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Nothing is sent, and the totals say how many were dropped."""
    assert not arrived(client, transport, "discard", ValueError("failed"))


@pytest.mark.parametrize("rule", ["send", "discard", lambda error: False])
def test_a_rule_for_failures_is_not_for_successes(
    client: FormoAnalytics, transport: RecordingTransport, rule: Any
) -> None:
    """The events of a handler that returned are sent under every rule."""
    assert arrived(client, transport, rule, None)


@pytest.mark.parametrize("rule", ["discard", lambda error: False])
@pytest.mark.parametrize("error", [SystemExit(), SystemExit(0), SystemExit(None)])
def test_a_process_that_ends_well_did_not_fail(
    client: FormoAnalytics, transport: RecordingTransport, rule: Any, error: SystemExit
) -> None:
    """sys.exit without a code, or with 0, is a success."""
    assert arrived(client, transport, rule, error)


@pytest.mark.parametrize("error", [SystemExit(1), SystemExit("message"), KeyboardInterrupt(), OSError()])
def test_any_other_exception_is_a_failure(
    client: FormoAnalytics, transport: RecordingTransport, error: BaseException
) -> None:
    """Also those that are no Exception."""
    assert not arrived(client, transport, "discard", error)


def test_a_callable_decides_by_the_exception(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """It is given the exception; what it returns says whether to send."""
    seen: list[BaseException] = []

    def rule(error: BaseException) -> bool:
        seen.append(error)
        return isinstance(error, KeyError)

    error = ValueError("failed")
    assert not arrived(client, transport, rule, error)
    assert seen == [error, error]


def test_a_callable_can_say_send(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Any true value sends."""
    assert arrived(client, transport, lambda error: "yes", ValueError("failed"))


def test_a_rule_that_raises_loses_nothing(
    client: FormoAnalytics, transport: RecordingTransport, caplog: pytest.LogCaptureFixture
) -> None:
    """The handler's exception comes out, the events are sent, and the fault is logged."""

    def rule(error: BaseException) -> bool:
        raise RuntimeError("the rule's own")

    assert arrived(client, transport, rule, ValueError("failed"))
    assert "on_exception raised" in caplog.text


def test_an_abandoned_stream_did_not_fail(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Whoever stops reading a stream does not make its events wrong."""

    @formo_flush(on_exception="discard")
    def handler() -> Any:
        client.track("Streamed")
        yield 1
        yield 2

    stream = handler()
    assert next(stream) == 1
    stream.close()
    assert len(transport.events) == 1


@pytest.mark.parametrize("wrong", ["drop", "SEND", "", None, True, 5, []])
def test_an_unknown_rule_is_refused_at_decoration(wrong: Any) -> None:
    """A typing error must not discard events in silence."""
    with pytest.raises(ConfigurationError, match="on_exception: must be 'send', 'discard', or a callable"):
        formo_flush(on_exception=wrong)


@pytest.mark.parametrize("wrong", [-1, float("nan"), "2", True, []])
def test_a_wrong_timeout_is_refused_at_decoration(wrong: Any) -> None:
    """The rule is that of flush."""
    with pytest.raises(ConfigurationError, match="timeout: must be a number of seconds, zero or more"):
        formo_flush(timeout=wrong)


@pytest.mark.parametrize("wrong", [["client"], [None], "analytics"])
def test_wrong_clients_are_refused_at_decoration(wrong: Any) -> None:
    """Clients are clients."""
    with pytest.raises(ConfigurationError, match="clients: must be"):
        formo_flush(clients=wrong)
