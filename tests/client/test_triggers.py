"""What sends events before anybody flushes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda.constants import MAX_BATCH_EVENTS
from tests.promises.faults.waiting import wait_until

if TYPE_CHECKING:
    from formo_lambda.testing import RecordingTransport
    from tests.client.recorded import MakeClient


@pytest.mark.parametrize("flush_at", [1, 2, 20, 100])
def test_flush_at_events_leave_at_once(make_client: MakeClient, transport: RecordingTransport, flush_at: int) -> None:
    """One fewer stays; as many are sent without anyone waiting."""
    client = make_client(flush_at=flush_at)
    for _ in range(flush_at - 1):
        client.track("Counted")
    time.sleep(0.02)
    assert transport.requests == []
    client.track("Counted")
    transport.wait_for(flush_at)
    wait_until(lambda: client.stats.sent == flush_at)


def test_a_full_buffer_leaves_while_the_handler_works(make_client: MakeClient, transport: RecordingTransport) -> None:
    """Within an invocation too, and the flush at its end answers for what left early."""
    client = make_client(flush_at=5)
    with client.invocation() as invocation:
        for _ in range(5):
            client.track("Early")
        transport.wait_for(5)
        for _ in range(2):
            client.track("Rest")
    assert invocation.result is not None
    assert (invocation.result.sent, invocation.result.requests) == (7, len(transport.requests))


def test_tracking_does_not_wait_for_the_trigger(make_client: MakeClient, transport: RecordingTransport) -> None:
    """A trigger hands the batch to a sender: `track` returns at once, however slow the server is."""
    client = make_client(flush_at=1, flush_timeout=5.0)
    transport.delay = 0.4
    began = time.monotonic()
    for _ in range(3):
        client.track("Slow")
    assert time.monotonic() - began < 0.2
    assert client.flush().sent == 3


def test_bytes_are_measured_as_sent(make_client: MakeClient, transport: RecordingTransport) -> None:
    """Events are sent when the body would reach `max_queue_size`, not before, and no body is larger."""
    client = make_client(max_queue_size=3_000, flush_at=100)
    probe = make_client()
    probe.track("Measured", properties={"padding": "x" * 500})
    probe.flush()
    one = len(transport.requests[0].body)
    transport.clear()

    enough = -(-3_000 // one)
    for _ in range(enough - 1):
        client.track("Measured", properties={"padding": "x" * 500})
    time.sleep(0.02)
    assert transport.requests == []
    client.track("Measured", properties={"padding": "x" * 500})
    transport.wait_for(1)
    client.flush()
    assert len(transport.events) == enough
    assert all(len(request.body) <= 3_000 for request in transport.requests)


def test_a_larger_event_travels_alone(make_client: MakeClient, transport: RecordingTransport) -> None:
    """What is over `max_queue_size` by itself is sent all the same, in a body of its own."""
    client = make_client(max_queue_size=1_000, flush_at=100)
    client.track("Small")
    client.track("Large", properties={"padding": "x" * 5_000})
    client.track("Small")
    client.flush()
    assert client.stats.sent == 3
    (large,) = [request for request in transport.requests if len(request.body) > 1_000]
    assert [event["event"] for event in large.events] == ["Large"]


def test_no_request_has_more_than_a_hundred_events(make_client: MakeClient, transport: RecordingTransport) -> None:
    """Whatever has piled up, the batches stay within the endpoint's limit."""
    client = make_client(flush_at=100)
    with client.invocation(on_exception="discard"):
        for _ in range(350):
            client.track("Piled")
    assert sorted(len(request.events) for request in transport.requests) == [50, 100, 100, 100]
    assert MAX_BATCH_EVENTS == 100


def test_the_interval_counts_from_the_oldest_event(make_client: MakeClient, transport: RecordingTransport) -> None:
    """After `flush_interval` seconds a buffer is sent, of whatever scope; later events do not put it off."""
    client = make_client(flush_interval=1)
    began = time.monotonic()
    with client.invocation() as invocation:
        client.track("Of the Invocation")
        client._queue.own.append(b'{"event":"Of the Client"')
        time.sleep(0.5)
        client.track("Later")
        assert transport.requests == []
        wait_until(lambda: sum(len(request.events) for request in transport.requests) == 3)
        assert 0.9 < transport.requests[0].arrived - began < 1.5
    assert invocation.result is not None
    assert invocation.result.sent == 2
