"""Lets events leave before anybody waits for them: when their buffer is full, or the oldest of them is old enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from formo_lambda.delivery.ticket import Ticket
from formo_lambda.errors import DeliveryError
from formo_lambda.invocation import Deadline
from formo_lambda.options import BACKGROUND_BUDGET, BACKGROUND_NAP, MAX_BATCH_EVENTS

if TYPE_CHECKING:
    from formo_lambda.delivery.dispatch import Dispatcher
    from formo_lambda.delivery.ledger import Ledger
    from formo_lambda.delivery.roster import Roster
    from formo_lambda.delivery.suspicion import Suspicion
    from formo_lambda.invocation import Buffer
    from formo_lambda.options import Options


class EarlyLeaving:
    """Watches the buffers that have events. It is part of the coordinator's state, and as free of locks.

    Args:
        options: The client's options.
        own: The client's own buffer.
        dispatcher: Sends what leaves.
        ledger: Keeps what cannot leave.
        roster: Says whether there is a sender for it.
        suspicion: Says whether the server is worth a request.
    """

    def __init__(
        self,
        options: Options,
        own: Buffer,
        dispatcher: Dispatcher,
        ledger: Ledger,
        roster: Roster,
        suspicion: Suspicion,
    ) -> None:
        self._options = options
        self._own = own
        self._dispatcher = dispatcher
        self._ledger = ledger
        self._roster = roster
        self._suspicion = suspicion
        self._watched: dict[Buffer, None] = {}

    def watch(self, buffer: Buffer) -> None:
        """Care for a buffer that has its first event, or is full."""
        self._watched[buffer] = None

    def forget(self, buffer: Buffer) -> None:
        """Care no more for a buffer that a flush has emptied for good."""
        self._watched.pop(buffer, None)

    def any_waits(self) -> bool:
        """Whether any event waits in a buffer."""
        return any(buffer.events for buffer in self._watched)

    def moments(self) -> list[float]:
        """Return when the oldest events will be old enough, in seconds of the monotonic clock."""
        return [b.since + self._options.flush_interval for b in self._watched if b.early and b.events]

    def collect(self, now: float) -> None:
        """Take what is full or old enough out of the buffers."""
        for buffer in list(self._watched):
            if not buffer.events:
                buffer.rearm()
            if not buffer.events:
                del self._watched[buffer]
            elif not buffer.early:
                self._bound(buffer)
            elif now >= buffer.since + self._options.flush_interval or (buffer.full and not self._gathers(buffer)):
                self._send(buffer, now)

    def _gathers(self, buffer: Buffer) -> bool:
        """Whether a full buffer should grow to a whole request first, while an earlier batch of it is under way.

        Handing out every twenty events would take all senders, and the rest would wait for a second round trip.
        """
        if len(buffer.events) >= MAX_BATCH_EVENTS or buffer.size >= self._options.max_queue_size:
            return False
        return any(buffer in parcel.scopes for parcel in self._roster.parcels())

    def _send(self, buffer: Buffer, now: float) -> None:
        if self._suspicion.until is None and self._roster.can_take():
            items, scopes = self._dispatcher.drain([buffer])
            deadline = Deadline.after(BACKGROUND_BUDGET)
            self._dispatcher.send(items, scopes, deadline, self._record_of(buffer), BACKGROUND_NAP)
            self._roster.start()
        elif self._suspicion.until is not None or buffer.size >= 2 * self._options.max_queue_size:
            # Nobody to send to, or the senders are busy, perhaps with a server that hangs: what piles up is bounded.
            items, _ = self._dispatcher.drain([buffer])
            self._ledger.keep(items, (), now)

    def _bound(self, buffer: Buffer) -> None:
        """Keep a buffer that must not leave early within the bound of the store, oldest out first."""
        evicted = buffer.shed(self._options.max_retained_size)
        if evicted:
            reason = f"dropped to keep an invocation within max_retained_size ({self._options.max_retained_size} bytes)"
            self._ledger.give_up(evicted, DeliveryError(reason, count=len(evicted)), self._record_of(buffer))

    def _record_of(self, buffer: Buffer) -> list[Ticket]:
        """Return what notes the early events of an invocation, for the flush at its end to tell."""
        if buffer is self._own:
            return []
        if not isinstance(buffer.record, Ticket):
            buffer.record = Ticket((), Deadline.after(BACKGROUND_BUDGET), forced=False)
        return [buffer.record]
