"""What is kept for a later flush, by its laws: the newest events, in order, within a bound; the others are given up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.constants import MAX_REQUESTS
from formo_lambda.delivery.buffer import ENVELOPE
from formo_lambda.delivery.deadline import Deadline
from formo_lambda.delivery.queue import pending
from formo_lambda.delivery.retry import TransientFailure
from formo_lambda.delivery.tally import Outcome, Tally
from tests.delivery.queues import accept, begin, events_of, make_queue, retained, take

if TYPE_CHECKING:
    from formo_lambda.delivery.places import Request
    from formo_lambda.delivery.queue import EventQueue
    from formo_lambda.errors import DeliveryError

NOW = 1_000.0

#: Events that tell their place in the order of tracking, from tiny to some that no bound below leaves room for.
payloads = st.integers(0, 400)
events = st.lists(payloads, max_size=40).map(
    lambda sizes: [b"%02d" % number + b"x" * size for number, size in enumerate(sizes)]
)


class Kept:
    """A queue, and what it has given up.

    Args:
        bound: The most bytes that it retains.

    Attributes:
        queue: The queue.
        given_up: The events that were given up, in the order in which they were.
        reasons: Why, for each time that some were.
    """

    def __init__(self, bound: int) -> None:
        self.given_up: list[bytes] = []
        self.reasons: list[str] = []
        self.queue: EventQueue = make_queue(max_pending_size=bound)
        self.queue.callbacks.handing_over = self._add  # type: ignore[method-assign] # what the callback would be given

    def _add(self, events: list[bytes], error: DeliveryError) -> list[object]:
        assert error.count == len(events) > 0
        self.given_up += events
        self.reasons.append(str(error))
        return []

    def retain(self, events: list[bytes]) -> Tally:
        """Retain events at once, because the server is left alone."""
        self.queue.breaker.failed(NOW)
        return begin(self.queue, events, NOW)

    def take(self) -> list[bytes]:
        """Have everything sent that is retained, and return it."""
        tally = begin(self.queue, [], NOW, explicit=True)
        sent: list[bytes] = []
        while tally.waiting:
            request = take(self.queue, tally, NOW)
            sent += events_of(request)
            accept(self.queue, request, NOW)
        return sent


def size_of(kept: list[bytes]) -> int:
    """Return the bytes that events take as sent."""
    return sum(len(event) + ENVELOPE for event in kept)


@given(st.data(), events, st.integers(0, 6_000))
def test_the_newest_stay_in_order_within_the_bound(data: st.DataObject, events: list[bytes], bound: int) -> None:
    """In whatever order requests fail, the newest events that fit stay and the others are given up, once."""
    kept = Kept(bound)
    rest = events
    requests: list[Request] = []
    tallies: list[Tally] = []
    while rest:
        # What is left goes into the last request that may be under way.
        count = data.draw(st.integers(1, len(rest))) if len(requests) < MAX_REQUESTS - 1 else len(rest)
        tallies.append(begin(kept.queue, rest[:count], NOW))
        requests.append(take(kept.queue, tallies[-1], NOW))
        rest = rest[count:]
    for request in data.draw(st.permutations(requests)):
        kept.queue.release(request, TransientFailure("reset"), NOW)
    stayed = retained(kept.queue)
    assert stayed == sorted(stayed)
    assert size_of(stayed) <= bound
    assert sorted(kept.given_up + stayed) == events
    stats = kept.queue.stats()
    assert (stats.retained, stats.undelivered, stats.tracked) == (len(stayed), len(kept.given_up), len(events))
    assert sum(tally.retained for tally in tallies) == len(stayed)
    assert sum(tally.undelivered for tally in tallies) == len(kept.given_up)
    assert kept.take() == stayed


@given(events, st.integers(0, 6_000))
def test_as_many_stay_as_fit(events: list[bytes], bound: int) -> None:
    """Of events that are retained in order, the last ones stay, and one more would break the bound."""
    kept = Kept(bound)
    kept.retain(events)
    stayed = retained(kept.queue)
    assert events == kept.given_up + stayed
    if kept.given_up:
        assert size_of(stayed) + len(kept.given_up[-1]) + ENVELOPE > bound


def test_the_oldest_make_room() -> None:
    """Of events that come over time, the first ones go first, in their order."""
    kept = Kept(3 * (10 + ENVELOPE))
    tracked = [bytes([65 + number]) * 10 for number in range(5)]
    given_up = []
    for event in tracked:
        kept.retain([event])
        given_up.append(list(kept.given_up))
    assert given_up == [[], [], [], tracked[:1], tracked[:2]]
    assert retained(kept.queue) == tracked[2:]
    assert all(f"max_pending_size ({3 * (10 + ENVELOPE)} bytes)" in reason for reason in kept.reasons)


def test_nothing_is_dropped_while_the_server_answers() -> None:
    """A flush that runs out of time retains more than the bound; once the server answers no more, the rest goes."""
    kept = Kept(0)
    accept(kept.queue, take(kept.queue, begin(kept.queue, [b"first"], NOW), NOW), NOW)
    now = time.monotonic()
    tracked = [b"%02d" % number for number in range(50)]
    kept.queue.finish(begin(kept.queue, tracked, now), Deadline.after(0.0), now)
    assert (retained(kept.queue), kept.given_up) == (tracked, [])
    kept.queue.give_way(now)
    assert (retained(kept.queue), kept.given_up) == ([], tracked)


def test_what_is_retained_is_bounded_while_the_server_answers_too_slowly() -> None:
    """A loop that never waits, as in asyncio, does not fill the memory: twice what makes others wait is kept."""
    kept = Kept(0)
    accept(kept.queue, take(kept.queue, begin(kept.queue, [b"first"], NOW), NOW), NOW)
    now = time.monotonic()
    for number in range(30):
        kept.queue.finish(begin(kept.queue, [b"%02d" % number + b"x" * 100_000], now), Deadline.after(0.0), now)
    stayed = retained(kept.queue)
    assert 1_800_000 < size_of(stayed) <= 2_000_000
    assert len(kept.given_up) + len(stayed) == 30


def test_an_older_batch_that_fails_late_goes_to_its_place() -> None:
    """Order is that of tracking, not of failing."""
    kept = Kept(10_000)
    requests = [take(kept.queue, begin(kept.queue, batch, NOW), NOW) for batch in ([b"a", b"b"], [b"e", b"f"])]
    for request in reversed(requests):
        kept.queue.release(request, TransientFailure("reset"), NOW)
    assert retained(kept.queue) == [b"a", b"b", b"e", b"f"]


def test_what_is_left_of_a_request_is_retained() -> None:
    """Events that were sent before a failure are sent; only the others wait for a later flush."""
    kept = Kept(10_000)
    tally = begin(kept.queue, [b"a", b"b", b"c"], NOW)
    request = take(kept.queue, tally, NOW)
    request.settle(1, Outcome())
    kept.queue.release(request, TransientFailure("reset"), NOW)
    assert (retained(kept.queue), tally.sent, tally.retained) == ([b"b", b"c"], 1, 2)


def test_taken_events_leave_room() -> None:
    """What was sent no longer counts against the bound."""
    kept = Kept(2 * (10 + ENVELOPE))
    for number in range(10):
        event = b"%010d" % number
        kept.retain([event])
        assert kept.take() == [event]
    assert kept.given_up == []
    assert kept.queue.stats() == (10, 0, 10, 0, 0, 0, 0, 0, 0)


def test_a_flush_tells_what_stayed_and_what_was_given_up() -> None:
    """Each event has one outcome in the result, and each outcome its reason."""
    kept = Kept(2 * (10 + ENVELOPE))
    result = kept.retain([b"%010d" % number for number in range(5)]).result(0.0)
    assert (result.retained, result.undelivered) == (2, 3)
    assert sorted((error.count, error.transient) for error in result.errors) == [(2, True), (3, False)]


def test_what_makes_room_later_is_told_by_the_next_flush() -> None:
    """A flush that has ended keeps its result; that its events had to go stands in the next one's, once."""
    kept = Kept(10 + ENVELOPE)
    tally = kept.retain([b"0" * 10])
    kept.queue.finish(tally, Deadline.after(1_000.0), NOW)
    kept.retain([b"1" * 10])
    result = tally.result(0.0)
    assert (result.retained, result.undelivered) == (1, 0)
    later = [begin(kept.queue, [], NOW, explicit=True).result(0.0) for _ in range(2)]
    assert [each.undelivered for each in later] == [1, 0]
    (error,) = [error for error in later[0].errors if not error.transient]
    assert (error.count, later[0].ok) == (1, False)
    assert "max_pending_size" in error.reason
    assert "before this flush" in error.reason


@pytest.mark.parametrize("explicit", [False, True])
def test_what_is_retained_leaves_first(explicit: bool) -> None:  # noqa: FBT001
    """It left its buffer before the events of the flush that sends it."""
    kept = Kept(10_000)
    kept.retain([b"a"])
    kept.retain([b"b"])
    kept.queue.breaker.answered()
    tally = begin(kept.queue, [b"c"], NOW, explicit=explicit)
    requests = []
    while tally.waiting:
        requests.append(take(kept.queue, tally, NOW))
    assert [event for request in requests for event in events_of(request)] == [b"a", b"b", b"c"]
    assert (retained(kept.queue), tally.in_flight) == ([], 3)


def test_batches_that_wait_leave_after_it_in_their_order() -> None:
    """A worker takes what one request holds, from the oldest event on."""
    kept = Kept(10_000)
    kept.retain([b"a"])
    kept.retain([b"b"])
    kept.queue.breaker.answered()
    tallies = [begin(kept.queue, [event], NOW) for event in (b"c", b"d", b"e")]
    request = kept.queue.take(None, None, NOW)
    assert request is not None
    assert events_of(request) == [b"a", b"b", b"c", b"d", b"e"]
    assert [(tally.waiting, tally.in_flight) for tally in tallies] == [(0, 3), (0, 1), (0, 1)]


def test_an_invocation_without_events_does_not_pay_for_what_is_retained() -> None:
    """It leaves with an invocation's own events, or when somebody asks for it, or when it is due."""
    kept = Kept(10_000)
    kept.retain([b"a"])
    kept.queue.breaker.answered()
    tally = begin(kept.queue, [], NOW)
    assert (tally.waiting, retained(kept.queue)) == (0, [b"a"])


def test_a_client_with_anything_retained_is_not_forgotten() -> None:
    """Also a client that the user has dropped delivers what it has: the process holds it for as long."""
    kept = Kept(10_000)
    assert kept.queue not in pending
    kept.retain([b"a"])
    assert kept.queue in pending
    kept.take()
    assert kept.queue not in pending


def test_without_room_nothing_is_retained() -> None:
    """With a bound of zero, what fails is given up at once."""
    kept = Kept(0)
    tally = kept.retain([b"a", b"b"])
    assert (kept.given_up, retained(kept.queue), tally.undelivered) == ([b"a", b"b"], [], 2)


def test_what_is_retained_goes_out_for_the_flush_whose_probe_was_answered() -> None:
    """Once the server is well, that flush sends it within its own time, and tells what became of it."""
    kept = Kept(10_000)
    kept.retain([b"a", b"b"])
    assert kept.queue.breaker.until is not None
    now = kept.queue.breaker.until
    tally = Tally()
    buffer = kept.queue.open_buffer(early=True, tally=tally)
    buffer.append(b"c")
    deadline = Deadline.after(1_000.0)
    probe = kept.queue.begin(tally, [buffer], deadline, [buffer], now)
    assert probe is not None
    accept(kept.queue, probe, now)
    kept.queue.resume(tally, deadline)
    assert (tally.sent, tally.waiting) == (1, 2)
