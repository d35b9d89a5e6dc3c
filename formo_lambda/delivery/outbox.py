"""One client's way out: what callers touch. None of it takes a lock or does any I/O."""

from __future__ import annotations

import logging
import time
from _thread import allocate_lock
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from formo_lambda.delivery.coordinator import Coordinator
from formo_lambda.delivery.result import Stats
from formo_lambda.delivery.senders import start_thread
from formo_lambda.invocation import Buffer
from formo_lambda.options import SENDER_IDLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from formo_lambda.delivery.coordinator import Message
    from formo_lambda.delivery.courier import Courier
    from formo_lambda.delivery.jobs import Job
    from formo_lambda.delivery.ledger import Books
    from formo_lambda.delivery.senders import Sender
    from formo_lambda.delivery.ticket import Ticket
    from formo_lambda.delivery.transport import Link
    from formo_lambda.options import Options

T = TypeVar("T")

#: How often a reader looks for a moment between two turns.
_LOOKS = 10_000

logger = logging.getLogger("formo_lambda")

#: Every outbox of the process, for a forked child to make anew.
everyone: WeakSet[Outbox] = WeakSet()
#: The outboxes whose first sender lives, hence all that have anything pending: held strongly until it is delivered.
awake: dict[Outbox, None] = {}


class Outbox:
    """The buffers of one client and the inbox of its first sender.

    Args:
        options: The client's options.
        courier: Delivers a batch.
        link: The transport's connections, where it keeps any.
        on_wake: Called when the first sender starts: the moment from which exit has something to flush.

    Attributes:
        own: The buffer of events tracked outside any invocation.
    """

    def __init__(self, options: Options, courier: Courier, link: Link | None, on_wake: Callable[[], None]) -> None:
        self._options = options
        self._courier = courier
        self._link = link
        self._on_wake = on_wake
        self.own = Buffer(options.flush_at, options.max_queue_size, self._notice, early=True)
        self._buffers: dict[Buffer, None] = {self.own: None}
        self._discarded = 0
        self._invalid = 0
        self._start_anew()
        everyone.add(self)

    def _start_anew(self) -> None:
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        # Whoever holds the baton takes the turns. It is only ever tried, never waited for.
        self._baton = allocate_lock()
        self._awake = False
        self._coordinator = Coordinator(
            self._options,
            self.own,
            self._courier,
            link=self._link,
            report=self._report,
            release=self.release_buffer,
        )

    @property
    def flush_timeout(self) -> float:
        """The most seconds that one flush takes."""
        return self._options.flush_timeout

    # -- buffers ---------------------------------------------------------------------------------------------------

    def open_buffer(self, *, early: bool) -> Buffer:
        """Return an empty buffer whose events count as this client's."""
        buffer = Buffer(self._options.flush_at, self._options.max_queue_size, self._notice, early=early)
        self._buffers[buffer] = None
        return buffer

    def release_buffer(self, buffer: Buffer) -> None:
        """Forget a buffer that has been emptied."""
        self._buffers.pop(buffer, None)

    def discard(self, buffer: Buffer) -> int:
        """Drop the events of a buffer by the user's own rule; return how many there were."""
        dropped = len(buffer.pop_all())
        # No call between the load and the store, so no other thread gets in between either.
        self._discarded += dropped
        return dropped

    def count_invalid(self, buffer: Buffer) -> None:
        """Count an event that validation refused where such events are only logged."""
        buffer.invalid += 1
        self._invalid += 1

    def buffers(self) -> list[Buffer]:
        """Return every buffer of the client, those of open invocations among them."""
        return list(self._buffers)

    # -- what is known ---------------------------------------------------------------------------------------------

    def stats(self) -> Stats:
        """Return the totals, all as of one moment."""
        books, waiting = self._look(lambda: sum(len(buffer.events) for buffer in list(self._buffers)))
        buffered = books.in_flight + waiting
        return Stats(
            tracked=buffered + books.sent + books.retained + books.undelivered + self._discarded,
            buffered=buffered,
            sent=books.sent,
            quarantined=books.quarantined,
            retained=books.retained,
            undelivered=books.undelivered,
            discarded=self._discarded,
            invalid=self._invalid,
            requests=books.requests,
        )

    def pending(self, buffers: Sequence[Buffer], *, retained: bool) -> bool:
        """Whether a flush of these buffers has anything to do.

        Args:
            buffers: The buffers.
            retained: Whether it would send what is retained, too, for its own sake.
        """
        books, waiting = self._look(lambda: any(buffer.events for buffer in buffers))
        return waiting or books.in_flight > 0 or (retained and books.retained > 0)

    def rests(self) -> bool:
        """Whether the end of an invocation that this client had no part in has nothing to do or to tell of it."""
        own = self.own
        return not (own.discarded or own.invalid or self.pending([own], retained=False))

    def unsettled(self, buffers: Sequence[Buffer]) -> int:
        """Return how many events wait in these buffers, are under way, or are retained."""
        books, waiting = self._look(lambda: sum(len(buffer.events) for buffer in buffers))
        return waiting + books.in_flight + books.retained

    def _look(self, count: Callable[[], T]) -> tuple[Books, T]:
        """Return the books and what `count` says of the buffers, as of one moment between two turns."""
        # A turn takes some microseconds. One that never ends is one that this very code interrupts, as a signal
        # handler on top of a thread that takes the turns itself: then the books are as they are.
        for _ in range(_LOOKS):
            coordinator = self._coordinator
            turn = coordinator.turning
            books, counted = coordinator.books, count()
            if turn == coordinator.turning and turn % 2 == 0:
                break
            time.sleep(0)
        return books, counted

    # -- the first sender ------------------------------------------------------------------------------------------

    def submit(self, ticket: Ticket) -> None:
        """Have a flush done."""
        self._inbox.put((self._coordinator.on_flush, (ticket,)))
        if not self._awake and not self._wake():
            self._take_turns(until=lambda: ticket.finished)

    def _notice(self, buffer: Buffer) -> None:
        self._inbox.put((self._coordinator.on_notice, (buffer,)))
        if not self._awake and not self._wake():
            awake[self] = None  # Until a flush takes the turns, nobody else holds what it has.

    def _report(self, sender: Sender, job: Job, outcome: Any) -> None:
        self._inbox.put((self._coordinator.on_done, (sender, job, outcome)))
        if not self._awake:
            self._wake()

    def _wake(self) -> bool:
        """Start the first sender; return False where no thread can be started."""
        self._on_wake()
        return start_thread(self._live, "formo-sender-first") is not None

    def _live(self) -> None:
        """Take turns until there has been nothing to care for during the idle time."""
        while self._baton.acquire(blocking=False):
            awake[self] = None
            self._awake = True
            try:
                self._take_turns_holding(lambda: False)
            finally:
                # In this order: a caller that sees `_awake` still set has put its message before the last look below.
                self._awake = False
                awake.pop(self, None)
                self._baton.release()
            if self._inbox.empty():
                return

    def _take_turns(self, until: Callable[[], bool]) -> None:
        """Do the first sender's work on the caller's own thread, where no other can be started."""
        if self._baton.acquire(blocking=False):
            try:
                self._take_turns_holding(until)
            finally:
                if self._coordinator.idle():
                    awake.pop(self, None)
                self._baton.release()

    def _take_turns_holding(self, until: Callable[[], bool]) -> None:
        coordinator, inbox = self._coordinator, self._inbox
        while not until():
            due = coordinator.next_due()
            messages: list[Message] = []
            try:
                messages.append(inbox.get(timeout=due))
                while not inbox.empty():  # only here is anything taken out
                    messages.append(inbox.get())
            except Empty:
                if due > SENDER_IDLE / 2 and coordinator.idle():
                    coordinator.dismiss()
                    return
            try:
                coordinator.turn(messages)
            except Exception:
                logger.exception("formo_lambda: a fault of the library itself; please report it")

    # -- life and death --------------------------------------------------------------------------------------------

    def close_connections(self) -> None:
        """Close the idle connections; the next request opens new ones."""
        if self._link is not None:
            self._link.close()

    def start_over(self) -> None:
        """Forget what is the parent's, in a forked child: its events, its senders, its connections."""
        for buffer in list(self._buffers):
            buffer.drain()
            buffer.discarded = buffer.invalid = 0
            buffer.record = None
        self._discarded = self._invalid = 0
        self._start_anew()
        self.close_connections()
