"""What exceptions of signal handlers leave half done, one after the other: no event is lost, or counted twice."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda.delivery.deadline import Deadline
from formo_lambda.delivery.tally import Tally
from tests.delivery.queues import accept, begin, events_of, make_queue, take

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.delivery.queue import EventQueue


class Stop(BaseException):
    """What the signal handler raises."""


def stopped(queue: EventQueue, name: str, call: Callable[[], object], *, after: bool) -> None:
    """Make a call, with an exception right before or right after a step of it."""
    step = getattr(queue, name)

    def raising(*arguments: Any) -> None:
        if after:
            step(*arguments)
        raise Stop

    setattr(queue, name, raising)
    with pytest.raises(Stop):
        call()
    delattr(queue, name)


def test_a_request_that_its_thread_never_ended_is_forgotten_once_its_events_are_taken_over() -> None:
    """Else its thread would look as if it were still sending, and would not wait where too much is pending."""
    queue, now = make_queue(), time.monotonic()
    take(queue, begin(queue, [b"a", b"b"], now, explicit=True), now)
    request = take(queue, begin(queue, [], now, explicit=True), now)
    assert events_of(request) == [b"a", b"b"]
    accept(queue, request, now)
    assert not queue.in_flight
    assert not queue.is_sent_here()
    assert queue.stats().sent == queue.stats().tracked == 2


def test_what_is_back_in_the_list_is_in_its_old_request_no_more() -> None:
    """A request whose end was cut short does not count the events that the next one sends."""
    queue, now = make_queue(), time.monotonic()
    other = begin(queue, [b"a"], now)
    first = queue.take(None, None, now)
    assert first is not None
    stopped(queue, "_put_first", lambda: queue.interrupt(first, now), after=True)
    second = take(queue, other, now)
    assert events_of(second) == [b"a"]
    assert queue.stats().tracked == 1
    taken = take(queue, begin(queue, [], now, explicit=True), now)
    assert events_of(taken) == [b"a"]


def test_a_scope_that_could_not_be_emptied_is_still_known() -> None:
    """Its events leave with the process at the latest."""
    queue, now = make_queue(), time.monotonic()
    tally = Tally()
    buffer = queue.open_buffer(early=True, tally=tally)
    buffer.append(b"a")
    stopped(queue, "_collect", lambda: queue.begin(tally, [buffer], Deadline.after(1.0), [buffer], now), after=False)
    assert buffer in queue.buffers()
    assert queue.stats().buffered == queue.stats().tracked == 1
