"""Event queues on their own: nothing happens beside them, and nothing is sent but by the test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formo_lambda.clock import Moment, monotonic
from formo_lambda.delivery.deadline import Deadline
from formo_lambda.delivery.queue import EventQueue, pending
from formo_lambda.delivery.tally import Outcome, Tally
from formo_lambda.options import WriteKey, resolve
from formo_lambda.transport.protocol import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from formo_lambda.delivery.buffer import Buffer
    from formo_lambda.delivery.places import Request

OPTIONS: dict[str, Any] = {
    "write_key": WriteKey("test-key"),
    "api_host": None,
    "enabled": True,
    "flush_at": 20,
    "flush_interval": 30.0,
    "max_queue_size": 500_000,
    "retry_count": 3,
    "flush_timeout": 2.0,
    "request_timeout": 5.0,
    "max_pending_size": 10_000_000,
    "handle_signals": False,
    "on_undelivered": None,
    "on_invalid": "raise",
    "json_default": None,
    "channel": "server",
}


class Nothing:
    """Stands for what happens beside the caller: it does none of it."""

    bounded = True
    serverless = False

    def on_buffer(self, queue: EventQueue, buffer: Buffer) -> None:
        """Leave the events where they are."""

    def send_next(self, queue: EventQueue, tally: Tally | None, deadline: Deadline | None) -> bool:
        """Let the test send it."""
        return False

    def send_probe(self, queue: EventQueue, probe: Request) -> None:
        """Let the test send it."""

    def send_retained(self, queue: EventQueue) -> None:
        """Let the test send it; the background thread of the process is to ask no more."""
        pending.pop(queue, None)

    def call_worker(self, queue: EventQueue) -> bool:
        """Say that a worker is on its way; none comes."""
        return True

    def look(self) -> None:
        """Watch over nothing."""

    def tell(self, queue: EventQueue, *, at_once: bool = False) -> None:
        """Take what would be logged, and call nobody."""
        queue.lines(monotonic(), at_once=True)

    def close(self) -> None:
        """Keep nothing that could be closed."""


def make_queue(**options: Any) -> EventQueue:
    """Return a queue with these options, whose endpoint has just answered: ten requests may be under way."""
    endpoint = Endpoint()
    endpoint.reached_at = Moment.now()
    return EventQueue(resolve(**{**OPTIONS, **options}, getenv=lambda _: None), endpoint, Nothing())


def begin(queue: EventQueue, events: Iterable[bytes], now: float, *, explicit: bool = False) -> Tally:
    """Begin a flush of some events, as at the end of an invocation that tracked them; return who answers for them."""
    tally = Tally(explicit=explicit)
    buffer = queue.open_buffer(early=True, tally=tally)
    for event in events:
        buffer.append(event)
    queue.begin(tally, [buffer], Deadline.after(1_000.0), [buffer], now)
    return tally


def take(queue: EventQueue, tally: Tally, now: float) -> Request:
    """Take the request of a flush, which there must be."""
    request = queue.take(tally, Deadline.after(1_000.0), now)
    assert request is not None
    return request


def events_of(request: Request) -> list[bytes]:
    """Return the events of a request, in order."""
    return [event for part in request.events() for event in part]


def accept(queue: EventQueue, request: Request, now: float) -> None:
    """Have all events of a request sent."""
    request.answered()
    request.settle(len(events_of(request)), Outcome())
    queue.release(request, None, now)


def retained(queue: EventQueue) -> list[bytes]:
    """Return the events that are retained, in the order in which they would be sent."""
    return [event for batch in queue.retained for event in batch.events]
