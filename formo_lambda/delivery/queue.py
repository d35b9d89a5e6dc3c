"""What one client has waiting, in flight and retained, and its totals."""

from __future__ import annotations

import threading
import time
from collections import deque
from itertools import count, starmap
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from formo_lambda import forks
from formo_lambda.constants import (
    BACKGROUND_BUDGET,
    CONNECTION_IDLE_MAX,
    FAIR_ATTEMPT,
    MAX_BATCH_EVENTS,
    MAX_REQUESTS,
    OTHERS_TIME,
    OVERDUE,
)
from formo_lambda.delivery.batch import EMPTY_BODY, Batch, Place, Retained, fitting
from formo_lambda.delivery.breaker import Breaker, State
from formo_lambda.delivery.buffer import Buffer
from formo_lambda.delivery.callbacks import Callbacks
from formo_lambda.delivery.deadline import Deadline
from formo_lambda.delivery.retry import TransientFailure
from formo_lambda.delivery.tally import Outcome, Tally
from formo_lambda.errors import DeliveryError
from formo_lambda.results import Stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from formo_lambda.options import Options
    from formo_lambda.transport.protocol import Endpoint

#: Every queue of the process.
everyone: WeakSet[EventQueue] = WeakSet()
#: Those that have anything to deliver beside the buffers of invocations: held strongly until it is delivered.
pending: dict[EventQueue, None] = {}

_LEFT_ALONE = Outcome("the server is left alone after a failure", transient=True)
_OUT_OF_TIME = Outcome("out of time", transient=True)
_NO_ANSWER = Outcome("no answer in time", transient=True)


def _start_over_in_child() -> None:
    pending.clear()
    for queue in list(everyone):
        queue.start_over()


forks.in_child.append(_start_over_in_child)


class Beside(Protocol):
    """**Protocol:** sends requests, and does what happens beside the caller. It is called when the lock is free."""

    #: Whether a caller may send on its own thread, because everything that the transport does is bounded.
    bounded: bool

    def on_buffer(self, queue: EventQueue, buffer: Buffer) -> None:
        """A buffer has its first event, is full, or is due."""

    def transmit(self, queue: EventQueue, request: Request) -> None:
        """Send a request on this thread."""

    def send_probe(self, queue: EventQueue, request: Request) -> None:
        """Send a probe on a worker."""

    def call_worker(self, queue: EventQueue) -> bool:
        """Have a worker send what no caller is going to send; return False where none can be started."""

    def look(self) -> None:
        """Something is retained: it is to be sent when it is due."""

    def tell(self, queue: EventQueue) -> None:
        """Log what no flush tells, and hand over what was given up."""

    def close(self) -> None:
        """Nobody needs connections and workers for a while."""


class Request:
    """Batches that a thread is sending together.

    Args:
        queue: Where they come from.
        deadline: When it must have ended.
        tally: The flush whose caller sends it, or waits for the probe; None where there is none.
        probe: Whether it finds out if a server that failed is well again.

    Attributes:
        parts: The batches, in the order of the body.
        thread: The thread that sends it.
        started: When that began, in seconds of the monotonic clock.
        background: Whether no flush waits for any of it.
    """

    __slots__ = ("background", "deadline", "parts", "probe", "queue", "started", "tally", "thread")

    def __init__(
        self, queue: EventQueue, deadline: Deadline, tally: Tally | None = None, *, probe: bool = False
    ) -> None:
        self.queue = queue
        self.deadline = deadline
        self.tally = tally
        self.probe = probe
        self.parts: list[Batch] = []
        self.thread = 0 if probe else threading.get_ident()
        self.started = time.monotonic()
        self.background = False

    def in_flight(self) -> list[Batch]:
        """Return the parts that were not taken over by another flush."""
        return [part for part in self.parts if part.place is Place.IN_FLIGHT]

    def is_waited_for(self) -> bool:
        """Whether anybody waits for a part of it, or may still."""
        return any(part.place is Place.IN_FLIGHT and not part.late for part in self.parts)

    def is_overdue(self) -> bool:
        """Whether it should have ended long ago: a user's transport hangs, or an exception kept it from being sent."""
        return time.monotonic() > self.deadline.at + OVERDUE

    def events(self) -> list[bytes]:
        """Return its events, in order."""
        return [event for part in self.parts for event in part.events]

    def settle(self, number: int, outcome: Outcome) -> None:
        """Note the outcome of the next events."""
        self.queue.settle(self, number, outcome)

    def attempted(self, requests: int) -> None:
        """Count requests that were made on the wire."""
        self.queue.count_requests(self, requests)

    def answered(self) -> None:
        """Note that the server is well."""
        self.queue.answered()


class EventQueue:
    """The events of one client, from the buffers on.

    An event is in exactly one place: a buffer, a waiting batch, a batch in flight, the retained, or an outcome. It
    moves under one reentrant lock, which is never held during I/O, a callback or a log call: each method calls whom it
    has to call when the lock is free.

    Args:
        options: The client's options.
        endpoint: What is known of where requests go.
        background: Does what happens beside the caller.

    Attributes:
        own: The buffer of events tracked outside any invocation.
        waiting: The batches that wait for a free place, oldest first.
        in_flight: The requests under way.
        retained: The batches kept for a later flush.
        retained_since: When the first of those came, in seconds of the monotonic clock.
        breaker: Whether the server is asked at all.
        callbacks: The calls of `on_undelivered`.
    """

    def __init__(self, options: Options, endpoint: Endpoint, background: Beside) -> None:
        self.options = options
        self.endpoint = endpoint
        self.background = background
        self.own = Buffer(options.flush_at, options.max_queue_size, self.on_buffer, early=True)
        self._buffers: dict[Buffer, None] = {self.own: None}
        self.start_over()
        everyone.add(self)

    def start_over(self) -> None:
        """Begin without events, as a new client does; a forked child forgets by it what is its parent's."""
        self.lock = threading.RLock()
        for buffer in list(self._buffers):
            buffer.start_over()
        self.waiting: deque[Batch] = deque()
        self.in_flight: dict[Request, None] = {}
        self.retained = Retained(self.options.max_retained_size)
        self.retained_since = 0.0
        self.breaker = Breaker()
        self.callbacks = Callbacks(self.options.on_undelivered, self.lock)
        self._answered_at = 0.0
        self._order = count()
        self._totals = dict.fromkeys(("sent", "quarantined", "undelivered", "discarded", "invalid", "requests"), 0)
        #: Flushes that sleep until there is room for a request of theirs.
        self._sleeping: dict[Tally, None] = {}
        #: Whether a worker is on its way to take something.
        self._worker_called = False
        self._wakes: deque[Callable[[], object]] = deque()
        self._untold: dict[Outcome, int] = {}
        self._asides: list[EventQueue] = []

    # -- buffers -------------------------------------------------------------------------------------------------------

    def on_buffer(self, buffer: Buffer) -> None:
        """Tell of a buffer's first event, or that it is full or due."""
        self.background.on_buffer(self, buffer)

    def open_buffer(self, *, early: bool, tally: Tally) -> Buffer:
        """Return an empty buffer whose events count as this client's."""
        options = self.options
        buffer = Buffer(options.flush_at, options.max_queue_size, self.on_buffer, early=early, tally=tally)
        self._buffers[buffer] = None
        return buffer

    def forget(self, buffer: Buffer) -> None:
        """Forget a buffer that has nothing."""
        self._buffers.pop(buffer, None)

    def buffers(self) -> list[Buffer]:
        """Return every buffer of the client, those of open invocations among them."""
        return list(self._buffers)

    def append(self, buffer: Buffer, event: bytes) -> None:
        """Add an event to a buffer; to the client's own where the buffer's scope ended meanwhile."""
        buffer.append(event)
        if buffer.closed:
            with self.lock:
                try:
                    buffer.events.remove(event)
                except ValueError:  # it left with the scope
                    return
            self.own.append(event)

    def join(self, buffer: Buffer, onto: Buffer) -> None:
        """End a buffer, and move what it has to another."""
        with self.lock:
            buffer.closed = True
            if onto is not self.own and not onto.events:
                onto.since, onto.due = buffer.since, buffer.due
            onto.size += buffer.size
            buffer.move_to(onto.events)
            buffer.move_counts(onto)
            self.forget(buffer)
        if onto.events and (onto.full or onto is self.own):
            self.on_buffer(onto)

    def discard(self, buffer: Buffer) -> None:
        """Drop the events of a buffer by the user's own rule."""
        with self.lock:
            dropped: list[bytes] = []
            buffer.move_to(dropped)
            buffer.discarded += len(dropped)
            self._totals["discarded"] += len(dropped)

    def shed(self, buffer: Buffer) -> None:
        """Keep a buffer that must not leave early within the bound of what is retained, the oldest out first."""
        most = self.options.max_retained_size
        with self.lock:
            batch = Batch((0, 0), [buffer.tally] if buffer.tally else [], None)
            batch.events += buffer.shed(most)
            self._give_up(batch, Outcome(f"dropped to keep an invocation within max_retained_size ({most} bytes)"))

    def count_invalid(self, buffer: Buffer) -> None:
        """Count an event that failed validation where such events are only logged."""
        with self.lock:
            (self.own if buffer.closed else buffer).invalid += 1
            self._totals["invalid"] += 1

    # -- what is known -------------------------------------------------------------------------------------------------

    def stats(self) -> Stats:
        """Return the totals, all as of one moment."""
        with self.lock:
            retained = self._retained_events()
            parts = [part for request in list(self.in_flight) for part in request.in_flight() if not part.late]
            buffered = sum(len(buffer.events) for buffer in self.buffers())
            buffered += sum(len(batch.events) for batch in [*self.waiting, *parts])
            totals = dict(self._totals)
            for theirs in [aside.stats() for aside in self._asides]:
                buffered += theirs.buffered
                retained += theirs.retained
                totals = {name: number + getattr(theirs, name) for name, number in totals.items()}
        settled = totals["sent"] + totals["undelivered"] + totals["discarded"]
        return Stats(tracked=buffered + retained + settled, buffered=buffered, retained=retained, **totals)

    def _retained_events(self) -> int:
        """Return how many events are retained, those among them that are in flight and late."""
        late = [part for request in list(self.in_flight) for part in request.in_flight() if part.late]
        return sum(len(batch.events) for batch in [*self.retained, *late])

    def has_own(self) -> bool:
        """Whether the end of an invocation that this client had no part in has something to do or to tell of it."""
        return bool(self.own.events or self.own.discarded or self.own.invalid)

    def crowded(self) -> bool:
        """Whether more waits than may be retained, while the server answers: whoever tracks has to help sending."""
        most = max(self.options.max_retained_size, 2 * self.options.max_queue_size)
        return self.breaker.until is None and sum(batch.size for batch in list(self.waiting)) > most

    def due(self) -> float:
        """Return when something is to be sent although nobody flushes, in seconds of the monotonic clock."""
        own = self.own.since + self.options.flush_interval if self.own.events else float("inf")
        return min(own, self.retained_due())

    def retained_due(self) -> float:
        """Return when what is retained is to be sent although nobody flushes."""
        if not self.retained or self._probes():
            return float("inf")
        until = self.breaker.until
        return until if until is not None else self.retained_since + self.options.flush_interval

    def pop_untold(self) -> dict[Outcome, int]:
        """Return, once, what went wrong with events that no flush answers for."""
        if not self._untold:
            return {}
        with self.lock:
            untold, self._untold = self._untold, {}
        return untold

    # -- on top of a change --------------------------------------------------------------------------------------------

    def busy_here(self) -> bool:
        """Whether the running code interrupts a change of this queue: a signal handler, or a finalizer."""
        return bool(self.lock._is_owned())  # type: ignore[attr-defined] # noqa: SLF001 -- as threading.Condition asks it

    def aside(self) -> EventQueue:
        """Return a queue for a flush that interrupts a change of this one, and so keeps away from it.

        What it counts and retains becomes this one's at its next flush.
        """
        other = EventQueue(self.options, self.endpoint, self.background)
        other.breaker = self.breaker
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
                for batch in other.retained.take():
                    self._retain(batch, batch.why, now)

    # -- what is to be sent --------------------------------------------------------------------------------------------

    def begin(
        self, tally: Tally, buffers: Sequence[Buffer], deadline: Deadline, closing: Iterable[Buffer], now: float
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
        with self.lock:
            if self._asides:
                self._take_asides_in(now)
            for buffer in closing:
                buffer.closed = True  # before it is emptied: who appends afterwards takes the event elsewhere
                self.forget(buffer)
            batch = self._leave(buffers, tally, deadline)
            for buffer in buffers:
                buffer.move_counts(tally)
            tally.open = False
            self._join(tally, deadline, {buffer.tally for buffer in buffers if buffer.tally is not None})
            if not batch.events and not tally.explicit:
                return None  # What is retained leaves with an invocation's own events: one without never pays.
            state = State.CLOSED if tally.explicit else self.breaker.state(now)
            if state is State.CLOSED:
                self._put_last(batch)
                self._put_retained(tally, deadline)
            elif state is State.HALF_OPEN and not self._probes():
                return self._probe(batch, tally, now)
            else:
                self._retain(batch, _LEFT_ALONE, now)
                tally.others = self._retained_events() - tally.retained
        return None

    def resume(self, tally: Tally, deadline: Deadline) -> None:
        """Send what is retained for a flush whose probe found the server well."""
        with self.lock:
            self._put_retained(tally, deadline)

    def put_early(self, buffer: Buffer, now: float) -> None:
        """Put the events of a buffer into the list before its scope ends, or retain them if the breaker is open."""
        with self.lock:
            if buffer.tally is not None and buffer.tally.finished:
                buffer.tally = Tally(open=True)
            batch = self._leave([buffer], buffer.tally, None)
            if self.breaker.state(now) is State.CLOSED:
                self._put_last(batch)
            else:
                self._retain(batch, _LEFT_ALONE, now)
        self._go_on()

    def put_retained(self, now: float) -> Request | None:
        """Send what is retained although no flush asks for it; return a probe that is to be sent first, if one is."""
        with self.lock:
            state = self.breaker.state(now)
            if state is State.HALF_OPEN and self.retained and not self._probes():
                return self._probe(self.retained.take_newest(), None, now)
            if state is State.CLOSED:
                self._put_retained(None, None)
        self.call_next()
        return None

    def give_way(self, now: float) -> None:
        """Note that the server takes nothing, although more waits than may: the rule of outages holds."""
        with self.lock:
            self._fail(TransientFailure(_NO_ANSWER.reason), [], now)
        self._go_on()

    def _leave(self, buffers: Sequence[Buffer], tally: Tally | None, deadline: Deadline | None) -> Batch:
        batch = Batch((next(self._order), 0), [] if tally is None else [tally], deadline)
        for buffer in buffers:
            buffer.move_to(batch.events)
        batch.measure()
        return batch

    def _put_last(self, batch: Batch) -> None:
        if batch.events:
            pending[self] = None
            batch.become(Place.WAITING)
            self.waiting.append(batch)

    def _put_first(self, batches: Sequence[Batch]) -> None:
        """Put batches at the head of the list, because their events left their buffers before those that wait."""
        for batch in reversed(batches):
            batch.become(Place.WAITING)
            batch.late = batch.asked_again = False
            self.waiting.appendleft(batch)

    def _put_retained(self, tally: Tally | None, deadline: Deadline | None) -> None:
        batches = self.retained.take()
        self._put_first(batches)
        for batch in batches:
            batch.deadline = deadline
            if tally is not None:
                batch.answer_to(tally)

    def _probes(self) -> bool:
        return any(request.probe and not request.is_overdue() for request in list(self.in_flight))

    def _probe(self, batch: Batch, tally: Tally | None, now: float) -> Request:
        """Put the newest events of a batch in flight as the probe, and retain the others."""
        newest_first = batch.events[: -MAX_BATCH_EVENTS - 1 : -1]
        number, _ = fitting(newest_first, MAX_BATCH_EVENTS, self.options.max_queue_size)
        if number < len(batch.events):
            self._retain(batch.split(len(batch.events) - number), _LEFT_ALONE, now)
        pending[self] = None
        request = Request(self, Deadline.after(self.options.request_timeout), tally=tally, probe=True)
        request.parts.append(batch)
        batch.become(Place.IN_FLIGHT)
        self.in_flight[request] = None
        return request

    def _join(self, tally: Tally, deadline: Deadline, early: set[Tally]) -> None:
        """Have a flush answer for what waits and is in flight of its buffers.

        An explicit one also for what is under way of others, but open invocations, and it sends anew what it need not
        wait for: what somebody has waited for in vain, and what the frame is sending that this one interrupts.
        """

        def concerns(batch: Batch) -> bool:
            return not early.isdisjoint(batch.tallies) or (tally.explicit and not batch.is_of_open_invocation())

        for batch in filter(concerns, self.waiting):
            batch.answer_to(tally)
            batch.deadline = _later(batch.deadline, deadline)
        here = threading.get_ident()
        anew: list[Batch] = []
        for request in list(self.in_flight):
            for part in filter(concerns, request.in_flight()):
                if tally.explicit and (part.late or request.thread == here or request.is_overdue()):
                    fresh = Batch(part.order, list(part.tallies), deadline)
                    fresh.events += part.events
                    fresh.size = part.size
                    part.become(Place.SETTLED)
                    anew.append(fresh)
                    continue
                part.answer_to(tally)
                if tally.explicit:
                    part.asked_again = True
                    part.deadline = _later(part.deadline, deadline)
        anew.sort(key=lambda batch: batch.order)
        self._put_first(anew)
        for batch in anew:
            batch.answer_to(tally)

    # -- a request's way -----------------------------------------------------------------------------------------------

    def take(self, tally: Tally | None, deadline: Deadline | None, now: float) -> Request | None:
        """Take from the list what one request holds, and put it in flight.

        Args:
            tally: The flush of the caller, whose own batches come first; None on a worker. A flush for which there is
                no room is woken when there is some.
            deadline: When the request must have ended; None on a worker: when the last flush that waits for it ends.
            now: The time, in seconds of the monotonic clock.
        """
        with self.lock:
            if tally is None:
                self._worker_called = False
            else:
                self._sleeping.pop(tally, None)
            self._retain_expired(now)
            request = None
            if self.waiting and self._has_room() and (tally is None or tally.waiting):
                request = Request(self, deadline or Deadline(now + BACKGROUND_BUDGET), tally=tally)
                self.in_flight[request] = None
                self._fill(request)
                deadlines = [part.deadline for part in request.parts if part.deadline is not None]
                request.background = not deadlines
                if deadlines and deadline is None:
                    request.deadline = max(deadlines, key=lambda each: each.at)
            elif tally is not None:
                self._sleeping[tally] = None
        self._wake()
        self.call_next()
        return request

    def _fill(self, request: Request) -> None:
        """Move batches from the list into a request, its sender's own first."""
        room, size = MAX_BATCH_EVENTS, EMPTY_BODY
        batches = list(self.waiting)
        if request.tally is not None and len(batches) > 1:
            own = [batch for batch in batches if request.tally in batch.tallies]
            others = [batch for batch in batches if request.tally not in batch.tallies]
            at = request.deadline.at
            if request.deadline.remaining() < OTHERS_TIME:
                # A request ends when its sender's flush does: others' events would be cut off with it.
                others = [batch for batch in others if batch.deadline is not None and batch.deadline.at <= at]
            batches = own + others
        for batch in batches:
            number, size = fitting(batch.events, room, self.options.max_queue_size, size)
            if number == 0:
                return
            if number == len(batch.events):
                self.waiting.remove(batch)
            else:
                batch = batch.split(number)  # noqa: PLW2901 -- the part that fits
            request.parts.append(batch)
            batch.become(Place.IN_FLIGHT)
            room -= number

    def _has_room(self) -> bool:
        """Whether another request may be under way."""
        busy = sum(request.is_waited_for() for request in self.in_flight)
        # The first one finds out whether the server can be reached; the others wait for that.
        return busy < (MAX_REQUESTS if self._is_reached() else 1)

    def _is_reached(self) -> bool:
        # Wall clock, as for the age of a connection: a freeze counts.
        return abs(time.time() - self.endpoint.reached_at) < CONNECTION_IDLE_MAX

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
        if self.background.call_worker(self):
            return True
        self._worker_called = False
        return False

    def settle(self, request: Request, number: int, outcome: Outcome) -> None:
        """Note the outcome of the next events of a request. What was taken over by another flush does not count."""
        with self.lock:
            while number > 0 and request.parts:
                if number < len(request.parts[0].events):
                    request.parts[:1] = request.parts[0].halves(number)
                part = request.parts[0]
                number -= len(part.events)
                if part.place is Place.IN_FLIGHT:
                    self._settle(part, outcome)
                    self._note_done(part)
                del request.parts[0]
            self._totals["quarantined"] += outcome.quarantined
        self._wake()

    def _settle(self, part: Batch, outcome: Outcome) -> None:
        number = len(part.events)
        field = "undelivered" if outcome.reason else "sent"
        # Whose events the server set aside it does not say.
        quarantined = min(outcome.quarantined, number)
        changes: list[tuple[object, str, object]] = [
            (part, "place", Place.SETTLED),
            (self, "_totals", {**self._totals, field: self._totals[field] + number}),
        ]
        part.tallies = [tally for tally in part.tallies if not tally.finished]
        for tally in part.tallies:
            changes += [
                (tally, "in_flight", tally.in_flight - number),
                (tally, field, getattr(tally, field) + number),
                (tally, "quarantined", tally.quarantined + quarantined),
            ]
        # In one call into C: where a signal handler raises, the events are settled and counted, or neither.
        deque(starmap(setattr, changes), maxlen=0)
        if outcome.reason:
            self._hand_over(part, outcome)
        elif quarantined and not part.tallies:
            self._note_untold(Outcome("quarantined by the server", 200), quarantined)

    def _note_done(self, batch: Batch) -> None:
        """Note who is to be woken because nothing of theirs waits or is in flight any more."""
        self._wakes.extend(tally.wake for tally in batch.tallies if tally.wake is not None and not tally.outstanding)

    def _wake(self) -> None:
        while self._wakes:
            try:
                wake = self._wakes.popleft()
            except IndexError:  # another thread calls it
                return
            wake()

    def count_requests(self, request: Request, number: int) -> None:
        """Count requests that were made on the wire, for all that had events in them."""
        with self.lock:
            self._totals["requests"] += number
            for tally in {tally for part in request.in_flight() for tally in part.tallies}:
                tally.requests += number

    def answered(self) -> None:
        """Note that the server is well."""
        self.endpoint.reached_at = time.time()
        self._answered_at = time.monotonic()
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
        with self.lock:
            self.in_flight.pop(request, None)
            parts = request.in_flight()
            if failure is not None and parts:
                self._end_failed(request, parts, failure, now)
            elif request.probe and self.breaker.until is None and (request.tally is None or request.tally.finished):
                self._put_retained(None, None)  # No flush waits for it that would.
        self._go_on()

    def interrupt(self, request: Request, now: float) -> None:
        """End a request by an exception: its sender's events are retained, others' go back into the list."""
        with self.lock:
            self.in_flight.pop(request, None)
            parts = request.in_flight()
            if request.tally is not None:
                request.tally.finished = True
            back = [part for part in parts if _has_time(part, now)]
            for part in parts:
                if part not in back:
                    self._retain(part, Outcome("interrupted", transient=True), now)
            self._put_first(back)
        self._go_on()

    def _end_failed(self, request: Request, parts: list[Batch], failure: TransientFailure, now: float) -> None:
        cut = now >= request.deadline.at
        back = [part for part in parts if (cut or part.asked_again) and _has_time(part, now)]
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

    def _fail(self, failure: TransientFailure, parts: list[Batch], now: float) -> None:
        """Open the breaker, and retain what waits.

        An explicit flush goes on where the server gives answers, and where it was not its own request that failed.
        """
        self.breaker.failed(now, failure.pause)
        if failure.status is None:
            self.endpoint.reached_at = 0.0
        answers = failure.status not in (None, 429) and failure.pause is None
        tried = [] if answers else [tally for part in parts if not part.asked_again for tally in part.tallies]
        why = Outcome(failure.reason, failure.status, transient=True)
        for batch in list(self.waiting):
            if not any(tally.explicit and tally not in tried and not tally.finished for tally in batch.tallies):
                self.waiting.remove(batch)
                self._retain(batch, why, now)

    def _go_on(self) -> None:
        """Wake the flushes that have all they waited for, and see to what comes next."""
        self._wake()
        self.call_next()
        if self.retained:
            self.background.look()
        elif not (self.waiting or self.in_flight or self._asides or self.own.events):
            pending.pop(self, None)

    # -- the end of a flush --------------------------------------------------------------------------------------------

    def finish(self, tally: Tally, deadline: Deadline, now: float) -> None:
        """End a flush: what was not started for it is retained, and what is still under way is late."""
        with self.lock:
            self._sleeping.pop(tally, None)
            if tally.outstanding:
                self._end_late(tally, deadline, now)
            tally.finished = True
        self._go_on()

    def _end_late(self, tally: Tally, deadline: Deadline, now: float) -> None:
        waited_in_vain = False
        for batch in [batch for batch in self.waiting if tally in batch.tallies]:
            if all(each.finished for each in batch.tallies if each is not tally):
                waited_in_vain = waited_in_vain or not self._is_reached()
                self.waiting.remove(batch)
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
            for part in parts:
                alone = all(each.finished for each in part.tallies if each is not tally)
                # Nobody is to wait for one that went ahead in vain to find out whether the server can be reached.
                part.late = part.late or (part in mine and alone) or (waited_in_vain and silent)
            for part in mine:
                tally.note(_NO_ANSWER, len(part.events))

    def _retain_expired(self, now: float) -> None:
        """Retain what nobody waits for any more: a flush that was cancelled has left it in the list."""
        for batch in [batch for batch in self.waiting if batch.deadline is not None and batch.deadline.at <= now]:
            if not batch.is_asked_for():
                self.waiting.remove(batch)
                self._retain(batch, _OUT_OF_TIME, now)

    # -- retained and undelivered --------------------------------------------------------------------------------------

    def _retain(self, batch: Batch, why: Outcome, now: float) -> None:
        """Keep a batch for a later flush; what there is no room for is given up, the oldest first."""
        if not batch.events:
            return
        pending[self] = None
        if not self.retained:
            self.retained_since = now
        batch.deadline = None
        batch.late = batch.asked_again = False
        batch.become(Place.SETTLED)
        batch.why = why
        batch.become(Place.RETAINED)
        self._note_done(batch)
        if not batch.tallies:
            self._note_untold(why, len(batch.events))
        for oldest in self.retained.add(batch):
            oldest.become(Place.SETTLED)
            most = self.options.max_retained_size
            self._give_up(oldest, Outcome(f"dropped to keep within max_retained_size ({most} bytes)"))

    def _give_up(self, batch: Batch, why: Outcome) -> None:
        """Count events that nobody sends any more, and hand them over."""
        number = len(batch.events)
        if not number:
            return
        self._totals["undelivered"] += number
        for tally in batch.tallies:
            tally.undelivered += number
        self._hand_over(batch, why)

    def _hand_over(self, batch: Batch, why: Outcome) -> None:
        """Say why events were given up, and hand them to the user's callback."""
        number = len(batch.events)
        for tally in batch.tallies:
            tally.note(why, number)
        if not batch.tallies:
            self._note_untold(why, number)
        self.callbacks.add(batch.events, DeliveryError(why.reason, count=number, status=why.status))

    def give_up_all(self, reason: str) -> int:
        """Give up everything there is, because nobody will send it any more; return how many events that were."""
        with self.lock:
            parts = [part for request in list(self.in_flight) for part in request.in_flight()]
            left = self._leave(self.buffers(), None, None)
            batches = [*self.retained.take(), *parts, *self.waiting, left]
            self.waiting.clear()
            for batch in batches:
                batch.become(Place.SETTLED)
                self._give_up(batch, Outcome(reason))
        return sum(len(batch.events) for batch in batches)

    def _note_untold(self, why: Outcome, number: int) -> None:
        self._untold[why] = self._untold.get(why, 0) + number


def _later(one: Deadline | None, other: Deadline) -> Deadline:
    return other if one is None or one.at < other.at else one


def _has_time(batch: Batch, now: float) -> bool:
    return batch.deadline is not None and batch.deadline.at > now and batch.is_asked_for()
