"""What holds at the edges of an invocation: nested batches under way, no time left, no threads, odd results."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import DeliveryError, FlushResult, FormoAnalytics, formo_flush
from formo_lambda.delivery import workers
from formo_lambda.delivery.breaker import Breaker
from formo_lambda.testing import Answer, FakeLambdaContext, RecordingTransport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from formo_lambda.transport.protocol import Response


class Hanging:
    """A transport that takes all the time it is given."""

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Send nothing."""
        time.sleep(timeout)
        raise TimeoutError


def test_a_nested_batch_under_way_is_waited_for() -> None:
    """What left early from a nested scope has its answer before the outermost scope ends, and counts in its result."""
    transport = RecordingTransport(delay=0.3)
    client = FormoAnalytics("a-key", transport=transport)
    with client.invocation() as run:
        with client.invocation():
            for _ in range(20):
                client.track("Nested")
        while not client.stats.buffered:
            time.sleep(0.001)
    assert client.stats.sent == 20
    assert run.result is not None
    assert run.result.sent == 20


@pytest.mark.parametrize("way", ["by name", "by the platform"])
def test_a_flush_without_time_does_not_blame_the_server(way: str) -> None:
    """Where there was no time to make a request, the next invocation sends as if nothing had been."""
    client = FormoAnalytics("a-key", transport=RecordingTransport())

    @formo_flush
    def handler(event: object, context: object) -> None:
        client.track("Tracked")

    if way == "by name":
        client.track("Hurried")
        client.flush(timeout=0)
    else:
        handler({}, FakeLambdaContext(remaining_ms=100))
    assert client.stats.sent == 0
    handler({}, FakeLambdaContext(remaining_ms=30_000))
    assert client.stats.sent == 2


@pytest.mark.parametrize("rest", [[1, 2], {1: 2}, ["a", "b"]])
def test_a_tuple_that_is_no_response_stays_one(rest: Any) -> None:
    """A handler may return an iterator beside anything, and its events leave when the iterator ends."""
    client = FormoAnalytics("a-key", transport=RecordingTransport())

    @formo_flush
    def handler() -> Any:
        client.track("Tracked")
        return iter([1, 2]), rest

    parts, beside = handler()
    assert (list(parts), beside) == ([1, 2], rest)
    assert client.stats.sent == 1


@pytest.mark.parametrize("count", [1, 30])
def test_without_threads_a_flush_is_bounded_too(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Where no thread can be started, a flush ends within its budget against a transport that hangs."""
    monkeypatch.setattr(workers.workers, "submit", lambda *_, **__: False)
    client = FormoAnalytics("a-key", transport=Hanging())
    for _ in range(count):
        client.track("Tracked")
    started = time.monotonic()
    result = client.flush(0.3)
    assert time.monotonic() - started < 0.3 + 0.25
    assert result.retained == count
    client._queue.start_over()  # what a process without threads would flush at its exit


def test_without_threads_everything_is_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, a flush sends on the caller's own."""
    monkeypatch.setattr(workers.workers, "submit", lambda *_, **__: False)
    transport = RecordingTransport()
    client = FormoAnalytics("a-key", transport=transport)
    for _ in range(250):
        client.track("Tracked")
    assert client.flush().sent == 250
    assert len(transport.unique_events) == 250


def test_a_store_of_no_size_still_finds_out() -> None:
    """With nothing retained at all, the first events after the pause are sent, and no empty body is."""
    transport = RecordingTransport()
    client = FormoAnalytics("a-key", transport=transport, max_pending_size=0, retry_count=0)
    transport.respond_with(Answer(500))
    client.track("Lost")
    assert client.flush().undelivered == 1
    client._queue.breaker.until = time.monotonic()
    with client.invocation():
        client.track("Found")
    assert client.stats.sent == 1
    assert transport.problems == []


def test_one_failure_seen_by_many_batches_is_one() -> None:
    """A pause is doubled by a failure after it, and not by a further batch that failed meanwhile."""
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(100.0)
    assert breaker.until == 105.0
    breaker.failed(105.0)
    assert breaker.until == 115.0


def test_a_good_result_raises_nothing() -> None:
    """What failed at first and was delivered in the end is told, and is no error."""
    error = DeliveryError("the server answered HTTP 500", count=1, status=500, transient=True)
    FlushResult(sent=1, errors=(error,)).raise_for_errors()
    with pytest.raises(DeliveryError):
        FlushResult(retained=1, errors=(error,)).raise_for_errors()


def test_a_sink_gets_every_event_however_slow_it_is() -> None:
    """A sink that takes longer than the flush that gave it events gets those of the next flush, too."""
    given: list[dict[str, Any]] = []

    def sink(events: list[dict[str, Any]], error: Exception) -> None:
        time.sleep(0.2)
        given.extend(events)

    transport = RecordingTransport()
    transport.respond_with(Answer(401), forever=True)
    client = FormoAnalytics("a-key", transport=transport, on_undelivered=sink)
    for _ in range(3):
        client.track("Refused")
        client.flush(0.05)
    end = time.monotonic() + 5.0
    while len(given) < 3 and time.monotonic() < end:
        time.sleep(0.01)
    assert len(given) == 3


def test_a_fault_of_the_library_is_none_of_the_handlers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where delivery itself raises, the handler keeps its value, and the log says whose fault it is."""
    client = FormoAnalytics("a-key", transport=RecordingTransport(), handle_signals=False)

    @formo_flush
    def handler() -> str:
        client.track("Tracked")
        return "value"

    with monkeypatch.context() as patch:
        patch.setattr(type(client._queue), "begin", lambda *_: [].pop())
        assert handler() == "value"
    assert "a fault of the library itself" in caplog.text
