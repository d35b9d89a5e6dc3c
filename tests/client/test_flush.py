"""`flush` means all, ends on time, and tells the truth."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import ConfigurationError, DeliveryError, FlushResult
from formo_lambda.testing import Answer
from tests.client.recorded import names
from tests.promises.faults.waiting import wait_until

if TYPE_CHECKING:
    from formo_lambda import FormoAnalytics
    from formo_lambda.testing import RecordingTransport
    from tests.client.recorded import MakeClient


def track(client: FormoAnalytics, count: int) -> list[str]:
    """Track so many events; return their ids."""
    return [client.track("Counted", properties={"number": number}) for number in range(count)]


@pytest.mark.parametrize("count", [1, 19, 20, 21, 45, 100, 101, 250])
def test_flush_sends_all(client: FormoAnalytics, transport: RecordingTransport, count: int) -> None:
    """However many events there are, beside `flush_at` 20: when it returns, each has arrived, once."""
    ids = track(client, count)
    result = client.flush()
    assert result.ok
    assert sorted(event["message_id"] for event in transport.events) == sorted(ids)
    assert client.stats == (count, 0, count, 0, 0, 0, 0, 0, len(transport.requests))
    assert transport.problems == []


@pytest.mark.parametrize("count", [1, 45])
def test_aflush_sends_all(client: FormoAnalytics, transport: RecordingTransport, count: int) -> None:
    """So does its asynchronous twin."""
    ids = track(client, count)
    result = asyncio.run(client.aflush())
    assert result.ok
    assert sorted(event["message_id"] for event in transport.events) == sorted(ids)


def test_flush_waits_for_what_is_under_way(make_client: MakeClient, transport: RecordingTransport) -> None:
    """A batch that a trigger has handed to a sender counts among what flush answers for."""
    client = make_client(flush_at=5)
    transport.delay = 0.2
    track(client, 5)
    deadline = time.monotonic() + 5.0
    while not transport.requests and time.monotonic() < deadline:
        time.sleep(0.001)
    track(client, 1)
    result = client.flush()
    assert result.sent == 6
    assert len(transport.events) == 6


@pytest.mark.parametrize("by", ["the user", "the response"])
def test_a_flush_within_an_invocation_waits_for_what_left_early(
    make_client: MakeClient, transport: RecordingTransport, by: str
) -> None:
    """What a full buffer of the same invocation has under way is waited for, not only what is buffered still."""
    client = make_client(flush_at=5)
    transport.delay = 0.2
    with client.invocation() as invocation:
        track(client, 5)
        wait_until(lambda: len(transport.requests) == 1)
        track(client, 1)
        if by == "the user":
            assert client.flush().sent == 6
        else:
            invocation.flush()
        assert client.stats.sent == 6


def test_nothing_to_flush_costs_nothing(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """An empty flush makes no request, starts no thread, and is all well."""
    threads = set(threading.enumerate())
    result = client.flush()
    assert result._replace(elapsed=0.0) == FlushResult()
    assert result.ok
    assert asyncio.run(client.aflush()).ok
    assert set(threading.enumerate()) <= threads
    assert transport.requests == []


def test_flush_sends_the_whole_chain_of_scopes(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Within nested scopes it takes the events of all of them, and the client's own."""
    client.track("Own")
    with client.invocation():
        client.track("Outer")
        with client.invocation(on_exception="discard"):
            client.track("Inner")
            assert client.flush().sent == 3
    assert sorted(names(transport)) == ["Inner", "Outer", "Own"]


def test_flush_leaves_other_invocations_alone(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """The events of an invocation on another thread are that one's to flush."""
    inside, over = threading.Event(), threading.Event()

    def other() -> None:
        with client.invocation():
            client.track("Theirs")
            inside.set()
            over.wait(5.0)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(5.0)
    with client.invocation():
        client.track("Mine")
        assert client.flush().sent == 1
        assert names(transport) == ["Mine"]
        over.set()
        thread.join()
    assert names(transport) == ["Mine", "Theirs"]


def test_threads_that_flush_at_once(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Flushes side by side each return in time, and together send everything once."""
    start = threading.Barrier(8)
    results: list[FlushResult] = []

    def work() -> None:
        start.wait(5.0)
        for _ in range(10):
            track(client, 3)
            results.append(client.flush())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(result.ok for result in results)
    ids = [event["message_id"] for event in transport.events]
    assert len(ids) == len(set(ids)) == 240


def test_the_loop_runs_on_while_aflush_waits(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A slow server holds the task that flushes and no other."""
    transport.delay = 0.3
    client.track("Slow")

    async def main() -> int:
        flushing = asyncio.create_task(client.aflush())
        beats = 0
        while not flushing.done():
            await asyncio.sleep(0.01)
            beats += 1
        assert (await flushing).sent == 1
        return beats

    assert asyncio.run(main()) >= 10


def test_aflush_can_be_cancelled(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Cancelling the wait is passed on at once; the events are still delivered."""
    transport.delay = 0.3
    client.track("Awaited")

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.aflush(), 0.05)

    asyncio.run(main())
    transport.wait_for(1)
    assert client.flush().ok
    assert len(transport.events) == 1


@pytest.mark.parametrize("timeout", [0, 0.0, 0.05, 0.2])
def test_the_timeout_bounds_it(client: FormoAnalytics, transport: RecordingTransport, timeout: float) -> None:
    """A server that takes ten seconds does not make a flush longer than its timeout; the event is kept, and says so."""
    transport.delay = 10.0
    client.track("Slow")
    began = time.monotonic()
    result = client.flush(timeout)
    assert time.monotonic() - began < timeout + 0.25
    assert (result.sent, result.retained, result.ok) == (0, 1, False)
    assert result.errors
    assert all(error.transient for error in result.errors)
    assert client.stats.tracked == 1
    transport.delay = 0.0
    assert client.flush().retained == 0
    assert len(transport.unique_events) == 1


@pytest.mark.parametrize("timeout", [600, 1e9, 1e18, float("inf")])
def test_a_long_timeout_is_long(client: FormoAnalytics, timeout: float) -> None:
    """As long as anyone likes, for ever included."""
    client.track("Patient")
    assert client.flush(timeout).sent == 1
    client.track("Patient")
    assert asyncio.run(client.aflush(timeout)).sent == 1


@pytest.mark.parametrize("timeout", [-1, -0.001, float("nan"), True, False, "2", Decimal(2), [], 1j])
def test_a_timeout_that_is_none_is_refused(client: FormoAnalytics, transport: RecordingTransport, timeout: Any) -> None:
    """It says the rule and sends nothing; every method that takes a timeout has the same."""
    client.track("Kept")
    for call in (client.flush, client.close, lambda t: client.invocation(timeout=t)):
        with pytest.raises(ConfigurationError, match="timeout: must be a number of seconds, zero or more"):
            call(timeout)
    for method in (client.aflush, client.aclose):
        with pytest.raises(ConfigurationError, match="timeout: must be a number of seconds, zero or more"):
            asyncio.run(method(timeout))
    assert transport.requests == []


def test_raise_for_errors_is_silent_when_all_is_well(client: FormoAnalytics) -> None:
    """A good flush has nothing to raise."""
    client.track("Good")
    client.flush().raise_for_errors()


def test_raise_for_errors_raises_what_went_wrong(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """For those who want an exception: the first error, with its status."""
    transport.respond_with(401)
    client.track("Refused")
    result = client.flush()
    assert (result.undelivered, result.retained) == (1, 0)
    with pytest.raises(DeliveryError) as caught:
        result.raise_for_errors()
    assert (caught.value.status, caught.value.count, caught.value.transient) == (401, 1, False)


def test_quarantined_rows_show(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Events that the server set aside are sent, counted, and not all well."""
    transport.respond_with(Answer(200, json.dumps({"successful_rows": 1, "quarantined_rows": 2}).encode()))
    track(client, 3)
    result = client.flush()
    assert (result.sent, result.quarantined, result.ok) == (3, 2, False)
    assert client.stats.quarantined == 2
    with pytest.raises(DeliveryError, match="quarantined"):
        result.raise_for_errors()


def test_a_result_never_changes(client: FormoAnalytics) -> None:
    """It is a record."""
    with pytest.raises(AttributeError):
        client.flush().sent = 5  # type: ignore[misc] # that is what is tested


def test_every_request_is_stamped_when_it_is_made(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A retried event keeps its id and its own time, and gets a new sent_at."""
    transport.respond_with(Answer(500, delay=0.01))
    client.track("Retried", timestamp=1_700_000_000)
    assert client.flush().sent == 1
    first, second = (request.events[0] for request in transport.requests)
    assert first["message_id"] == second["message_id"]
    assert first["original_timestamp"] == second["original_timestamp"] == "2023-11-14T22:13:20.000Z"
    assert first["sent_at"] < second["sent_at"]
