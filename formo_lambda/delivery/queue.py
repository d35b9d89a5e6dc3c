"""The event queue of one client: which events go into which request, and what the end of a request means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from weakref import ref

from formo_lambda import forks
from formo_lambda.clock import NEVER, Moment, monotonic
from formo_lambda.constants import (
    BACKGROUND_BUDGET,
    CONNECTION_IDLE_MAX,
    FAIR_ATTEMPT,
    MAX_BATCH_EVENTS,
    MAX_REQUESTS,
    OTHERS_TIME,
    OVERDUE,
)
from formo_lambda.delivery.batch import EMPTY_BODY, Batch, fitting
from formo_lambda.delivery.breaker import Breaker, State
from formo_lambda.delivery.deadline import Deadline
from formo_lambda.delivery.places import Places, Request, move
from formo_lambda.delivery.retry import TransientFailure
from formo_lambda.delivery.tally import Outcome, Tally
from formo_lambda.results import Stats
from formo_lambda.threads import get_ident

if TYPE_CHECKING:
    from collections.abc import Sequence

    from formo_lambda.delivery.buffer import Buffer
    from formo_lambda.delivery.report import Line
    from formo_lambda.options import Options
    from formo_lambda.transport.protocol import Endpoint

_everyone: dict[ref[EventQueue], None] = {}
#: Those that have anything to deliver beside the buffers of invocations: held strongly until it is delivered.
pending: dict[EventQueue, None] = {}

_LEFT_ALONE = Outcome("the server is left alone after a failure", transient=True)
_OUT_OF_TIME = Outcome("out of time", transient=True)
_NO_ANSWER = Outcome("no answer in time", transient=True)


def every_queue() -> list[EventQueue]:
    """Return every queue of the process, those with anything to deliver among them."""
    alive = [queue for reference in list(_everyone) if (queue := reference()) is not None]
    # What is being collected has lost its references already, but a finalizer may still track.
    return list(dict.fromkeys([*alive, *pending]))


def _start_over_in_child() -> None:
    pending.clear()
    for queue in every_queue():
        queue.start_over()


forks.in_child.append(_start_over_in_child)


class Beside(Protocol):
    """**Protocol:** sends requests, and does what happens beside the caller. It is called when the lock is free."""

    #: Whether a caller may send on its own thread, because everything that the transport does is bounded.
    bounded: bool
    #: Whether the platform may freeze the process between invocations.
    serverless: bool

    def on_buffer(self, queue: EventQueue, buffer: Buffer) -> None:
        """A buffer has its first event, is full, or is due."""

    def send_next(self, queue: EventQueue, tally: Tally | None, deadline: Deadline | None) -> bool:
        """Send what one request holds on this thread; return False where there is nothing to send, or no room."""
        ...

    def send_probe(self, queue: EventQueue, probe: Request) -> None:
        """Send a probe on a worker."""

    def send_retained(self, queue: EventQueue) -> None:
        """Have what is retained sent although no flush asks for it."""

    def call_worker(self, queue: EventQueue) -> bool:
        """Have a worker send what no caller is going to send; return False where none can be started."""
        ...

    def look(self) -> None:
        """Something is retained: it is to be sent when it is due."""

    def tell(self, queue: EventQueue, *, at_once: bool = False) -> None:
        """Log what is to be said, and hand over what was given up."""

    def close(self) -> None:
        """Nobody needs connections and workers for a while."""


class EventQueue(Places):
    """What one client has waiting, in flight and retained, its totals, and the rules by which requests are made.

    Each method calls whom it has to call when the lock is free.

    Args:
        options: The client's options.
        endpoint: What is known of where requests go.
        background: Does what happens beside the caller.

    Attributes:
        breaker: Whether the server is asked at all.
    """

    def __init__(self, options: Options, endpoint: Endpoint, background: Beside) -> None:
        self.endpoint = endpoint
        self.background = background
        super().__init__(options)
        # The callback is C's own: no exception of a signal handler comes in between.
        own: ref[EventQueue] = ref(self, _everyone.__delitem__)
        _everyone[own] = None

    def start_over(self) -> None:
        """Begin without events."""
        super().start_over()
        self.breaker = Breaker()
        self._answered_at = float("-inf")
        #: Flushes that sleep until there is room for a request of theirs.
        self._sleeping: dict[Tally, None] = {}
        #: Whether a worker is on its way to take something.
        self._worker_called = False
        self._asides: list[EventQueue] = []

    def on_buffer(self, buffer: Buffer) -> None:
        """Tell of a buffer's first event, or that it is full or due."""
        self.background.on_buffer(self, buffer)

    # -- what is known -------------------------------------------------------------------------------------------------

    @move
    def stats(self) -> Stats:
        """Return the totals, all as of one moment."""
        every = [super().stats(), *(aside.stats() for aside in self._asides)]
        return Stats(*map(sum, zip(*every, strict=True)))

    def crowded(self) -> bool:
        """Whether more is pending than may be, while the server answers: whoever tracks has to wait."""
        if self.breaker.until is not None:
            return False
        with self.lock:
            return self.pending_size() > self._most_pending()

    def _most_pending(self) -> int:
        # Less than two requests never are too much.
        return max(self.options.max_pending_size, 2 * self.options.max_queue_size)

    def most_retained(self, now: float) -> int:
        """Return the most bytes that are retained; while the server answers, twice what makes `track` wait."""
        if self.breaker.until is None and now - self._answered_at < BACKGROUND_BUDGET:
            return 2 * self._most_pending()
        return self.options.max_pending_size

    def is_sent_here(self) -> bool:
        """Whether the running code interrupts a request that its own thread sends."""
        here = get_ident()
        return any(request.thread == here for request in list(self.in_flight))

    def due(self) -> float:
        """Return when there is something to do although nobody flushes, in seconds of the monotonic clock."""
        own = self.own.since + self.options.flush_interval if self.own.events else float("inf")
        return min(own, self.retained_due(), self.report.due())

    def retained_due(self) -> float:
        """Return when what is retained is to be sent although nobody flushes."""
        if not self.retained or self._probes():
            return float("inf")
        until = self.breaker.until
        return until if until is not None else self.retained.since + self.options.flush_interval

    def lines(self, now: float, *, at_once: bool) -> list[Line]:
        """Return what is to be logged now; `at_once` does not wait for further losses to sum up."""
        if self.busy_here() or (self.breaker.until is None and self.report.is_quiet()):
            return []
        with self.lock:
            return self.report.lines(now, self.breaker.until, self.retained_events(), at_once=at_once)

    # -- on top of a change --------------------------------------------------------------------------------------------

    def aside(self) -> EventQueue:
        """Return a queue for a flush that interrupts a change of this one, and so keeps away from it.

        What it counts and retains becomes this one's at its next flush.
        """
        other = EventQueue(self.options, self.endpoint, self.background)
        other.breaker = self.breaker
        other.report = self.report
        other._order = self._order
        self._asides.append(other)
        return other

    def _take_asides_in(self, now: float) -> None:
        for other in list(self._asides):
            with other.lock:
                if other.waiting or other.in_flight:
                    continue
                self._asides.remove(other)
                self._totals = {name: number + other._totals[name] for name, number in self._totals.items()}  # noqa: SLF001
                for batch in other.retained:
                    self._retain(batch, batch.why, now)
                other.retained.keep([])

    # -- what is to be sent --------------------------------------------------------------------------------------------

    @move
    def begin(
        self, tally: Tally, buffers: Sequence[Buffer], deadline: Deadline, closing: Sequence[Buffer], now: float
    ) -> Request | None:
        """Put what a flush sends into the list of waiting batches, or among the retained.

        Args:
            tally: Answers for it.
            buffers: What to send.
            deadline: When the flush ends.
            closing: Those of the buffers whose scope has ended.
            now: The time, in seconds of the monotonic clock.

        Returns:
            A probe that is to be sent, where the breaker is half-open.
        """
        if self._asides:
            self._take_asides_in(now)
        tally.open = False
        for buffer in closing:
            buffer.closed = True  # before it is emptied: who appends afterwards takes the event elsewhere
        pending[self] = None
        batches = self._collect(buffers, [tally], deadline)
        for buffer in closing:
            self.forget(buffer)
        for buffer in buffers:
            buffer.move_counts(tally)
        if self._lost:
            self._tell_lost(tally)
        self._join(tally, deadline, {buffer.tally for buffer in buffers if buffer.tally is not None})
        if not batches and not tally.explicit:
            return None  # What is retained is sent with an invocation's own events: one without never pays.
        state = State.CLOSED if tally.explicit else self.breaker.state(now)
        if state is State.CLOSED:
            self._put_retained(tally, deadline)
            return None
        (batch,) = batches
        if state is State.HALF_OPEN and not self._probes():
            return self._probe(batch, tally, now)
        self._retain(batch, _LEFT_ALONE, now)
        tally.others = self.retained_events() - tally.retained
        return None

    @move
    def resume(self, tally: Tally, deadline: Deadline) -> None:
        """Send what is retained for a flush whose probe found the server well."""
        self._put_retained(tally, deadline)

    def put_early(self, buffer: Buffer, now: float) -> None:
        """Put the events of a buffer into the list before its scope ends, or retain them if the breaker is open."""
        self._put_early(buffer, now)
        self._go_on()

    @move
    def _put_early(self, buffer: Buffer, now: float) -> None:
        if buffer.tally is not None and buffer.tally.finished:
            buffer.tally = Tally(open=True)
        pending[self] = None
        for batch in self._collect([buffer], [] if buffer.tally is None else [buffer.tally], None):
            if self.breaker.state(now) is not State.CLOSED:
                self._retain(batch, _LEFT_ALONE, now)

    def send_retained(self, now: float) -> Request | None:
        """Send what is retained although no flush asks for it; return a probe that is to be sent first, if one is."""
        probe = self._send_retained(now)
        if probe is None:
            self.call_next()
        return probe

    @move
    def _send_retained(self, now: float) -> Request | None:
        state = self.breaker.state(now)
        if state is State.HALF_OPEN and self.retained and not self._probes():
            *others, newest = self.retained
            self._put_first([newest])
            self.retained.keep(others)
            return self._probe(newest, None, now)
        if state is State.CLOSED:
            self._put_retained(None, None)
        return None

    def give_way(self, now: float) -> None:
        """Note that the server takes nothing, although more waits than may: the rule of outages holds."""
        self._fail(TransientFailure(_NO_ANSWER.reason), [], now)
        self._go_on()

    def _put_retained(self, tally: Tally | None, deadline: Deadline | None) -> None:
        batches = list(self.retained)
        self._put_first(batches)
        self.retained.keep([])
        for batch in batches:
            batch.deadline = deadline
            if tally is not None:
                batch.answer_to(tally)

    def _probes(self) -> bool:
        return any(request.probe and not _is_overdue(request) for request in list(self.in_flight))

    def _probe(self, batch: Batch, tally: Tally | None, now: float) -> Request:
        """Put the newest events of a waiting batch in flight as the probe, and retain the others."""
        newest_first = batch.events[: -MAX_BATCH_EVENTS - 1 : -1]
        number, _ = fitting(newest_first, MAX_BATCH_EVENTS, self.options.max_queue_size)
        if number < len(batch.events):
            older, batch = self._part(batch, len(batch.events) - number)
            self._retain(older, _LEFT_ALONE, now)
        request = Request(self, Deadline.after(self.options.request_timeout), self.answered, tally, probe=True)
        self.in_flight[request] = None
        self._put_in_flight(batch, request)
        return request

    def _join(self, tally: Tally, deadline: Deadline, early: set[Tally]) -> None:
        """Have a flush answer for what waits and is in flight of its buffers.

        An explicit one also for what is under way of others, but open invocations, and it sends anew what it need not
        wait for: what somebody has waited for in vain, and what the frame is sending that this one interrupts.
        """

        def concerns(batch: Batch) -> bool:
            if not (early.isdisjoint(batch.tallies) and early.isdisjoint(batch.origins)):
                return True
            return tally.explicit and not batch.is_of_open_invocation()

        for batch in filter(concerns, self.waiting):
            batch.answer_to(tally)
            batch.deadline = _later(batch.deadline, deadline)
        here = get_ident()
        taken_over: list[Batch] = []
        for request in list(self.in_flight):
            for part in filter(concerns, request.in_flight()):
                part.answer_to(tally)
                if tally.explicit and (part.late or request.thread == here or _is_overdue(request)):
                    taken_over.append(part)
                else:
                    part.asked_again = part.asked_again or tally.explicit
                    part.deadline = _later(part.deadline, deadline)
        taken_over.sort(key=lambda part: part.order)
        fresh = [part.again(deadline) for part in taken_over]
        self.waiting[:0] = fresh
        for batch, part in zip(fresh, taken_over, strict=True):
            batch.take_over(part)
        for request in list(self.in_flight):
            if not request.in_flight():  # a frame that two exceptions have ended does not end it any more
                del self.in_flight[request]

    # -- a request's way -----------------------------------------------------------------------------------------------

    def take(self, tally: Tally | None, deadline: Deadline | None, now: float) -> Request | None:
        """Take from the list what one request holds, and put it in flight.

        Args:
            tally: The flush of the caller, whose own batches come first; None on a worker. A flush for which there is
                no room is woken when there is some.
            deadline: When the request must have ended; None on a worker: when the last flush that waits for it ends.
            now: The time, in seconds of the monotonic clock.
        """
        request = Request(self, deadline or Deadline(now + BACKGROUND_BUDGET), self.answered, tally)
        try:
            taken = self._take(request, now, bounded=deadline is not None)
            self.wake()
            self.call_next()
        except BaseException:  # a signal handler raised it
            self.interrupt(request, now)
            raise
        return request if taken else None

    @move
    def _take(self, request: Request, now: float, *, bounded: bool) -> bool:
        tally = request.tally
        if tally is None:
            self._worker_called = False
        else:
            self._sleeping.pop(tally, None)
        self._retain_expired(now)
        if not (self.waiting and self._has_room() and (tally is None or tally.waiting)):
            if tally is not None:
                self._sleeping[tally] = None
            return False
        self.in_flight[request] = None
        self._fill(request)
        deadlines = [part.deadline for part in request.parts if part.deadline is not None]
        request.background = not deadlines
        request.brief = bounded and tally is None
        if deadlines and not bounded:
            request.deadline = max(deadlines, key=lambda each: each.at)
        return True

    def _fill(self, request: Request) -> None:
        """Move batches from the list into a request, its sender's own first."""
        room, size = MAX_BATCH_EVENTS, EMPTY_BODY
        batches = self.waiting
        if request.tally is not None and len(batches) > 1:
            own = [batch for batch in batches if request.tally in batch.tallies]
            others = [batch for batch in batches if request.tally not in batch.tallies]
            at = request.deadline.at
            if request.deadline.remaining() < OTHERS_TIME:
                # A request ends when its sender's flush does: others' events would be cut off with it.
                others = [batch for batch in others if batch.deadline is not None and batch.deadline.at <= at]
            batches = own + others
        for batch in list(batches):
            number, size = fitting(batch.events, room, self.options.max_queue_size, size)
            if number == 0:
                return
            fits = batch if number == len(batch.events) else self._part(batch, number)[0]
            self._put_in_flight(fits, request)
            room -= number

    def _has_room(self) -> bool:
        """Whether another request may be under way."""
        busy = sum(request.is_waited_for() for request in self.in_flight)
        # The first one finds out whether the server can be reached; the others wait for that.
        return busy < (MAX_REQUESTS if self._is_reached() else 1)

    def _is_reached(self) -> bool:
        return self.endpoint.reached_at.age() < CONNECTION_IDLE_MAX

    def call_next(self) -> bool:
        """Call who is to take the next request, if there is room for one: a flush that sleeps for that, or a worker.

        Returns:
            Whether somebody will; False if that would be a worker, and none can be started.
        """
        if not self.waiting:
            return True
        with self.lock:
            if not self.waiting or not self._has_room():
                return True
            sleeper = next((tally for tally in self._sleeping if tally.waiting), None)
            if sleeper is not None:
                del self._sleeping[sleeper]
            elif self._worker_called:
                return True
            else:
                self._worker_called = True  # set before the worker starts: it may end before the call returns
        if sleeper is not None:
            if sleeper.wake is not None:
                sleeper.wake()
            return True
        called = False
        try:
            called = self.background.call_worker(self)
        finally:
            if not called:
                self._worker_called = False
        return called

    def answered(self) -> None:
        """Note that the server is well."""
        self.endpoint.reached_at = Moment.now()
        self._answered_at = monotonic()
        if self.breaker.until is not None:
            with self.lock:
                self.breaker.answered()

    def release(self, request: Request, failure: TransientFailure | None, now: float) -> None:
        """End a request: its place is free. What is left of it is retained, or goes back into the list.

        Args:
            request: The request.
            failure: The failure that ended it, if one did.
            now: The time, in seconds of the monotonic clock.
        """
        self._release(request, failure, now)
        self._go_on()

    @move
    def _release(self, request: Request, failure: TransientFailure | None, now: float) -> None:
        parts = request.in_flight()
        if failure is not None and parts:
            self._end_failed(request, parts, failure, now)
        self.in_flight.pop(request, None)
        if request.probe and self.breaker.until is None and (request.tally is None or request.tally.finished):
            self._put_retained(None, None)  # No flush waits for it that would.

    def interrupt(self, request: Request, now: float) -> None:
        """End a request by an exception: its sender's events are retained, others' go back into the list."""
        self._interrupt(request, now)
        self._go_on()

    @move
    def _interrupt(self, request: Request, now: float) -> None:
        if request.tally is not None:
            request.tally.finished = True
        parts = request.in_flight()
        back = [part for part in parts if _has_time(part, now)]
        for part in parts:
            if part not in back:
                self._retain(part, Outcome("interrupted", transient=True), now)
        self._put_first(back)
        self.in_flight.pop(request, None)

    def _end_failed(self, request: Request, parts: list[Batch], failure: TransientFailure, now: float) -> None:
        cut = now >= request.deadline.at
        back = [
            part for part in parts if (cut and request.brief) or ((cut or part.asked_again) and _has_time(part, now))
        ]
        # That its sender has no time left says nothing of the server to those who have.
        says_nothing = cut and (back or self._may_be_well(request, now))
        if failure.tried and not says_nothing and any(not part.late for part in parts):
            self._fail(failure, parts, now)
        timed_out = cut and failure.status is None
        why = _NO_ANSWER if timed_out else Outcome(failure.reason, failure.status, transient=True)
        for part in parts:
            if part not in back:
                self._retain(part, why, now)
        self._put_first(back)

    def _may_be_well(self, request: Request, now: float) -> bool:
        """Whether the server has answered since a request began, or others ask it, or will, and find out."""
        return (
            self._answered_at > request.started
            or any(_has_time(batch, now) for batch in self.waiting)
            or any(
                other is not request and other.is_waited_for() and now - other.started < FAIR_ATTEMPT
                for other in list(self.in_flight)
            )
        )

    @move
    def _fail(self, failure: TransientFailure, parts: list[Batch], now: float) -> None:
        """Open the breaker, and retain what waits.

        An explicit flush goes on where the server gives answers, and where it was not its own request that failed.
        """
        why = Outcome(failure.reason, failure.status, transient=True)
        self.breaker.failed(now, failure.pause)
        self.report.failed(why)
        if failure.status is None:
            self.endpoint.reached_at = NEVER
        answers = failure.status not in (None, 429) and failure.pause is None
        tried = [] if answers else [tally for part in parts if not part.asked_again for tally in part.tallies]
        for batch in list(self.waiting):
            if not any(tally.explicit and tally not in tried and not tally.finished for tally in batch.tallies):
                self._retain(batch, why, now)
        self._make_room(now)

    def _go_on(self) -> None:
        """Wake the flushes that have all they waited for, and see to what comes next."""
        self.wake()
        self.call_next()
        if self.retained:
            self.background.look()
        elif not (self.waiting or self.in_flight or self._asides or self.has_own() or self.report.due() < float("inf")):
            pending.pop(self, None)

    # -- the end of a flush --------------------------------------------------------------------------------------------

    def finish(self, tally: Tally, deadline: Deadline, now: float) -> None:
        """End a flush: what was not started for it is retained, and what is still under way is late."""
        self._finish(tally, deadline, now)
        self._go_on()

    @move
    def _finish(self, tally: Tally, deadline: Deadline, now: float) -> None:
        self._sleeping.pop(tally, None)
        for request in list(self.in_flight):
            if request.tally is tally and not request.thread:
                self._interrupt(request, now)  # a probe that an exception kept from being sent
        if tally.outstanding:
            self._end_late(tally, deadline, now)
        tally.finished = True

    def _end_late(self, tally: Tally, deadline: Deadline, now: float) -> None:
        waited_in_vain = False
        for batch in [batch for batch in self.waiting if tally in batch.tallies]:
            if all(each.finished for each in batch.tallies if each is not tally):
                waited_in_vain = waited_in_vain or not self._is_reached()
                self._retain(batch, _OUT_OF_TIME, now)
            else:
                tally.note(_OUT_OF_TIME, len(batch.events))
        for request in list(self.in_flight):
            parts = request.in_flight()
            mine = [part for part in parts if tally in part.tallies]
            if not mine and not waited_in_vain:
                continue
            # Not where a signal handler or the end of the wait for a probe ended the flush before its deadline.
            silent = now >= deadline.at and now - request.started >= deadline.fair()
            silent = silent and not self._may_be_well(request, now)
            if silent and request.is_waited_for():
                self.breaker.failed(now)
                self.report.failed(_NO_ANSWER)
            for part in parts:
                alone = all(each.finished for each in part.tallies if each is not tally)
                # Nobody is to wait for one that went ahead in vain to find out whether the server can be reached.
                part.late = part.late or (part in mine and alone) or (waited_in_vain and silent)
            for part in mine:
                tally.note(_NO_ANSWER, len(part.events))
        self._make_room(now)

    def _retain_expired(self, now: float) -> None:
        """Retain what nobody waits for any more: a flush that was cancelled has left it in the list."""
        for batch in list(self.waiting):
            if batch.deadline is not None and batch.deadline.at <= now and not batch.is_asked_for():
                self._retain(batch, _OUT_OF_TIME, now)


def _is_overdue(request: Request) -> bool:
    """Whether a request should have ended long ago: a user's transport hangs."""
    return monotonic() > request.deadline.at + OVERDUE


def _later(one: Deadline | None, other: Deadline) -> Deadline:
    return other if one is None or one.at < other.at else one


def _has_time(batch: Batch, now: float) -> bool:
    return batch.deadline is not None and batch.deadline.at > now and batch.is_asked_for()
