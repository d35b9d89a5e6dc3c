"""Where the events of one client are, and each move from one place to another."""

from __future__ import annotations

import functools
import threading
import time
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from formo_lambda.clock import monotonic
from formo_lambda.delivery.batch import Batch, Place, Retained, apply
from formo_lambda.delivery.buffer import Buffer
from formo_lambda.delivery.callbacks import Callbacks
from formo_lambda.delivery.report import Report
from formo_lambda.delivery.tally import Outcome
from formo_lambda.errors import DeliveryError
from formo_lambda.events.times import iso_now
from formo_lambda.results import Stats
from formo_lambda.threads import get_ident

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Concatenate, ParamSpec

    from formo_lambda.delivery.deadline import Deadline
    from formo_lambda.delivery.tally import Tally
    from formo_lambda.options import Options

    P = ParamSpec("P")

S = TypeVar("S", bound="Places")
R = TypeVar("R")


def move(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Make a method one move: it holds the lock, and before it, what an exception interrupted is put in order."""

    @functools.wraps(method)
    def locked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        inner = self.busy_here()
        with self.lock:
            if not inner:
                if self.unfinished:
                    self.repair()
                self.unfinished = True
            result = method(self, *args, **kwargs)
            if not inner:
                self.unfinished = False
            return result

    return locked


class Places:
    """The events of one client, each in a buffer, a waiting batch, a batch in flight, the retained, or an outcome.

    Events move under one reentrant lock. A move notes first where they go, and then removes them from where they were:
    whoever interrupts it (a signal handler, which may raise) finds them twice at worst, never not at all. The place of
    a batch is what counts: by it the next move puts in order what an exception has left half done.

    Args:
        options: The client's options.

    Attributes:
        own: The buffer of events tracked outside any invocation.
        waiting: The batches that wait for room for a request, oldest first.
        in_flight: The parts of each request under way.
        retained: The batches kept for a later flush.
        callbacks: The calls of `on_undelivered`.
        report: What is to be logged.
        lock: Held during each move, and never during I/O, a callback or a log call.
        unfinished: Whether a move is under way, or was ended by an exception.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.own = Buffer(options.flush_at, options.max_queue_size, self.on_buffer, early=True)
        self._buffers: dict[Buffer, None] = {self.own: None}
        self.start_over()

    def start_over(self) -> None:
        """Begin without events, as a new client does, or a forked child, which forgets what is its parent's."""
        self.lock = threading.RLock()
        self.unfinished = False
        for buffer in list(self._buffers):
            buffer.start_over()
        self.waiting: list[Batch] = []
        self.in_flight: dict[Request, None] = {}
        self.retained = Retained()
        self.callbacks = Callbacks(self.options.on_undelivered, self.lock)
        self._order = count()
        self._totals = dict.fromkeys(("sent", "quarantined", "undelivered", "discarded", "invalid", "requests"), 0)
        self.report = Report()
        #: Events that were given up although no flush answered for them, and when the first of them were.
        self._lost: dict[Outcome, tuple[int, float]] = {}
        self._wakes: deque[Callable[[], object]] = deque()

    def busy_here(self) -> bool:
        """Whether the running code interrupts a move: a signal handler, or a finalizer."""
        return bool(self.lock._is_owned())  # type: ignore[attr-defined] # noqa: SLF001 -- as threading.Condition asks it

    # -- buffers -------------------------------------------------------------------------------------------------------

    def on_buffer(self, buffer: Buffer) -> None:
        """A buffer has its first event, is full, or is due."""
        raise NotImplementedError

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
        self._join_buffers(buffer, onto)
        if onto.events and (onto.full or onto is self.own):
            self.on_buffer(onto)

    @move
    def _join_buffers(self, buffer: Buffer, onto: Buffer) -> None:
        buffer.closed = True
        if onto.closed:  # its scope ends at this moment, on another thread
            onto = self.own
        if onto is not self.own and not onto.events:
            onto.since, onto.due = buffer.since, buffer.due
        onto.size += buffer.size
        buffer.move_to(onto.events)
        buffer.move_counts(onto)
        self.forget(buffer)

    @move
    def discard(self, buffer: Buffer) -> None:
        """Drop the events of a buffer by the user's own rule."""
        dropped: list[bytes] = []
        buffer.move_to(dropped)
        buffer.discarded += len(dropped)
        self._totals["discarded"] += len(dropped)

    @move
    def shed(self, buffer: Buffer) -> None:
        """Give up the oldest events of a buffer that must not be sent early and is larger than what may be retained."""
        most = self.options.max_pending_size
        batch = Batch((0, 0), [buffer.tally] if buffer.tally else [], None)
        batch.events += buffer.shed(most)
        self._settle(batch, Outcome(f"dropped to keep an invocation within max_pending_size ({most} bytes)"))

    @move
    def count_invalid(self, buffer: Buffer) -> None:
        """Count an event that failed validation where such events are only logged."""
        (self.own if buffer.closed else buffer).invalid += 1
        self._totals["invalid"] += 1

    # -- what is known -------------------------------------------------------------------------------------------------

    @move
    def stats(self) -> Stats:
        """Return the totals, all as of one moment."""
        retained = self.retained_events()
        parts = [part for part in self._parts() if not part.late]
        buffered = sum(len(buffer.events) for buffer in self.buffers())
        buffered += sum(len(batch.events) for batch in [*self.waiting, *parts])
        totals = self._totals
        settled = totals["sent"] + totals["undelivered"] + totals["discarded"]
        return Stats(tracked=buffered + retained + settled, buffered=buffered, retained=retained, **totals)

    def retained_events(self) -> int:
        """Return how many events are retained, those among them that are in flight and late."""
        late = [part for part in self._parts() if part.late]
        return sum(len(batch.events) for batch in [*self.retained, *late])

    def _parts(self) -> list[Batch]:
        """Return the batches in flight."""
        return [part for request in list(self.in_flight) for part in request.in_flight()]

    def most_retained(self, now: float) -> int:
        """Return the most bytes that are retained at a time of the monotonic clock, in seconds."""
        raise NotImplementedError

    def has_own(self) -> bool:
        """Whether events, or counts of them, wait outside any invocation."""
        return bool(self.own.events or self.own.discarded or self.own.invalid or self._lost)

    def pending_size(self) -> int:
        """Return the bytes that wait, are in flight, or are retained."""
        return self.retained.size + sum(batch.size for batch in [*self.waiting, *self._parts()])

    # -- moves; the lock is held ---------------------------------------------------------------------------------------

    def _collect(self, buffers: Sequence[Buffer], tallies: list[Tally], deadline: Deadline | None) -> list[Batch]:
        """Move what some buffers have into a batch at the end of the list; return that, if there is any."""
        origins = frozenset(buffer.tally for buffer in buffers if buffer.tally is not None)
        batch = Batch((next(self._order), 0), tallies, deadline, origins)
        self.waiting.append(batch)
        for buffer in buffers:
            buffer.move_to(batch.events)
        batch.measure()
        batch.become(Place.WAITING)
        if batch.events:
            return [batch]
        self.waiting.remove(batch)
        return []

    def _part(self, batch: Batch, number: int) -> tuple[Batch, Batch]:
        """Replace a waiting batch by two, the first of which has so many events."""
        position = self.waiting.index(batch)
        front, rest = batch.split(number)
        self.waiting[position : position + 1] = [front, rest]
        return front, rest

    def _put_first(self, batches: Sequence[Batch]) -> None:
        """Put batches at the head of the list, because their events left their buffers before those that wait."""
        self.waiting[:0] = batches
        for batch in batches:
            batch.become(Place.WAITING)
            batch.late = batch.asked_again = False

    def _put_in_flight(self, batch: Batch, request: Request) -> None:
        """Move a waiting batch into a request."""
        request.parts.append(batch)
        batch.become(Place.IN_FLIGHT)
        self.waiting.remove(batch)

    def _settle(self, batch: Batch, outcome: Outcome) -> None:
        """End the way of some events: they were sent, or nobody sends them any more."""
        number = len(batch.events)
        if not number:
            return
        field = "undelivered" if outcome.reason else "sent"
        # Whose events the server set aside it does not say.
        quarantined = min(outcome.quarantined, number)
        tallies = [tally for tally in batch.tallies if not tally.finished]
        changes = batch.changes(Place.SETTLED, tallies)
        changes.append((self, "_totals", {**self._totals, field: self._totals[field] + number}))
        for tally in tallies:
            changes.append((tally, field, getattr(tally, field) + number))
            changes.append((tally, "quarantined", tally.quarantined + quarantined))
        if outcome.reason:
            if not tallies:
                lost, since = self._lost.get(outcome, (0, time.time()))
                changes.append((self, "_lost", {**self._lost, outcome: (lost + number, since)}))
            error = DeliveryError(outcome.reason, count=number, status=outcome.status)
            # In the same step, so that what is given up is also handed over and said, once.
            told = map(self.report.losses.append, [(outcome, number)])
            apply(changes, self.callbacks.handing_over(batch.events, error), told)
            for tally in tallies:
                tally.note(outcome, number)
        else:
            apply(changes)
        self._note_done(batch)

    def _tell_lost(self, tally: Tally) -> None:
        """Have a flush tell of events that were given up since the last one."""
        lost, self._lost = self._lost, {}
        for why, (number, since) in lost.items():
            tally.undelivered += number
            tally.note(why._replace(reason=f"{why.reason} (at {iso_now(since)}, before this flush)"), number)

    def _retain(self, batch: Batch, why: Outcome, now: float) -> None:
        """Keep a batch for a later flush."""
        if not batch.events:
            return
        batch.deadline = None
        batch.late = batch.asked_again = False
        batch.why = why
        self.retained.add(batch, now)
        batch.become(Place.RETAINED)
        if batch in self.waiting:
            self.waiting.remove(batch)
        self._note_done(batch)
        if not batch.tallies:
            self.report.kept(why, len(batch.events))
        self._make_room(now)

    def _make_room(self, now: float) -> None:
        """Give up what is retained beyond the bound, the oldest first."""
        why = Outcome(f"dropped to keep within max_pending_size ({self.options.max_pending_size} bytes)")
        while (oldest := self.retained.excess(self.most_retained(now))) is not None:
            self._settle(oldest, why)
            self.retained.remove(oldest)

    def _note_done(self, batch: Batch) -> None:
        """Note who is to be woken because nothing of theirs waits or is in flight any more."""
        self._wakes.extend(tally.wake for tally in batch.tallies if tally.wake is not None and not tally.outstanding)

    def repair(self) -> None:
        """Put in order what an exception has left half done: each batch is where its place says, and counts there."""
        for batch in self.waiting:
            if batch.place is Place.SETTLED:  # it was just made
                batch.measure()
                batch.place = Place.WAITING
        self.waiting = [batch for batch in self.waiting if batch.events and batch.place is Place.WAITING]
        self.retained.keep([batch for batch in self.retained if batch.place is Place.RETAINED])
        for request in self.in_flight:  # what was taken out of it, or not yet put into it
            request.parts = [part for part in request.parts if part.place in (Place.IN_FLIGHT, Place.SETTLED)]
        batches = dict.fromkeys([*self.waiting, *self._parts(), *self.retained])
        for tally in {tally for batch in batches for tally in batch.tallies}:
            tally.waiting = tally.in_flight = tally.retained = 0
        for batch in batches:
            for tally in batch.tallies:
                setattr(tally, batch.place.value, getattr(tally, batch.place.value) + len(batch.events))

    # -- ends ----------------------------------------------------------------------------------------------------------

    def settle(self, request: Request, number: int, outcome: Outcome) -> None:
        """Note the outcome of the next events of a request. What was taken over by another flush does not count."""
        self._settle_next(request, number, outcome)
        self.wake()

    @move
    def _settle_next(self, request: Request, number: int, outcome: Outcome) -> None:
        while number > 0 and request.parts:
            if number < len(request.parts[0].events):
                request.parts[:1] = request.parts[0].split(number)
            part = request.parts[0]
            number -= len(part.events)
            if part.place is Place.IN_FLIGHT:
                self._settle(part, outcome)
            del request.parts[0]
        self._totals["quarantined"] += outcome.quarantined
        if outcome.quarantined:
            self.report.losses.append((Outcome(status=outcome.status), outcome.quarantined))

    @move
    def count_requests(self, request: Request, number: int) -> None:
        """Count requests that were made on the wire, for all that had events in them."""
        self._totals["requests"] += number
        for tally in {tally for part in request.in_flight() for tally in part.tallies}:
            tally.requests += number

    @move
    def give_up_all(self, reason: str) -> int:
        """Give up everything there is, because nobody will send it any more; return how many events that were."""
        self._collect(self.buffers(), [], None)
        batches = [*self.retained, *self._parts(), *self.waiting]
        for batch in batches:
            self._settle(batch, Outcome(reason))
        self.retained.keep([])
        self.waiting.clear()
        return sum(len(batch.events) for batch in batches)

    def wake(self) -> None:
        """Wake the flushes that have all they waited for."""
        while self._wakes:
            try:
                wake = self._wakes.popleft()
            except IndexError:  # another thread calls it
                return
            wake()


class Request:
    """Batches that a thread is sending together.

    Args:
        places: Where they come from.
        deadline: When it must have ended.
        on_answer: Called when the server gives an answer that is no failure of its own.
        tally: The flush whose caller sends it, or waits for the probe; None where there is none.
        probe: Whether it finds out if a server that failed is well again: it is tried once.

    Attributes:
        parts: The batches, in the order of the body.
        thread: The thread that sends it; 0 for a probe that nobody sends yet, -1 once a worker is to do it.
        started: When that began, in seconds of the monotonic clock.
        background: Whether no flush waits for any of it.
        brief: Whether the thread that tracks sends it, which has but a moment.
    """

    __slots__ = (
        "answered",
        "background",
        "brief",
        "deadline",
        "parts",
        "places",
        "probe",
        "started",
        "tally",
        "thread",
    )

    def __init__(
        self,
        places: Places,
        deadline: Deadline,
        on_answer: Callable[[], object],
        tally: Tally | None = None,
        *,
        probe: bool = False,
    ) -> None:
        self.places = places
        self.deadline = deadline
        self.answered = on_answer
        self.tally = tally
        self.probe = probe
        self.parts: list[Batch] = []
        self.thread = 0 if probe else get_ident()
        self.started = monotonic()
        self.background = False
        self.brief = False

    def in_flight(self) -> list[Batch]:
        """Return the parts that were not taken over by another flush."""
        return [part for part in self.parts if part.place is Place.IN_FLIGHT]

    def is_waited_for(self) -> bool:
        """Whether anybody waits for a part of it, or may still."""
        return any(part.place is Place.IN_FLIGHT and not part.late for part in self.parts)

    def events(self) -> list[list[bytes]]:
        """Return the events of each part."""
        return [list(part.events) for part in self.parts]

    def settle(self, number: int, outcome: Outcome) -> None:
        """Note the outcome of the next events."""
        self.places.settle(self, number, outcome)

    def attempted(self, requests: int) -> None:
        """Count requests that were made on the wire."""
        self.places.count_requests(self, requests)
