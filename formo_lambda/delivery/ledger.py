"""The books of one client: what became of its events, what is kept of them, and who is told why."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from formo_lambda.delivery.jobs import Handover, attach
from formo_lambda.delivery.store import Store
from formo_lambda.errors import DeliveryError
from formo_lambda.invocation import Deadline
from formo_lambda.options import BACKGROUND_BUDGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from formo_lambda.delivery.courier import Outcome
    from formo_lambda.delivery.roster import Roster
    from formo_lambda.delivery.store import Item
    from formo_lambda.delivery.ticket import Ticket
    from formo_lambda.options import Options

logger = logging.getLogger("formo_lambda")


class Books(NamedTuple):
    """Where the events are that have left their buffers, and how often the wire was used."""

    in_flight: int = 0
    sent: int = 0
    quarantined: int = 0
    retained: int = 0
    undelivered: int = 0
    requests: int = 0


class Ledger:
    """Books every event that leaves its buffer. It is part of the coordinator's state, and as free of locks.

    Args:
        options: The client's options.
        roster: Has the user's sink called with what is given up.

    Attributes:
        books: The state as of the last turn, for readers on other threads.
        store: The events kept for a later flush.
        kept_since: When the first of them came, in seconds of the monotonic clock.
    """

    def __init__(self, options: Options, roster: Roster) -> None:
        self.books = Books()
        self.store = Store(options.max_retained_size)
        self.kept_since = 0.0
        self._options = options
        self._roster = roster
        self._untold: dict[tuple[str, int | None, bool], int] = {}

    def count(self, outcome: Outcome, tickets: Sequence[Ticket]) -> None:
        """Book what was sent, and how often that was tried; tell the flushes that wait for it."""
        self.books = self.books._replace(
            sent=self.books.sent + outcome.sent,
            quarantined=self.books.quarantined + outcome.quarantined,
            requests=self.books.requests + outcome.requests,
        )
        for ticket in tickets:
            ticket.sent += outcome.sent
            ticket.quarantined += outcome.quarantined
            ticket.requests += outcome.requests
        if outcome.quarantined and not tickets:
            self.blame((), "quarantined by the server", outcome.quarantined, status=200, transient=False)

    def keep(self, items: Sequence[Item], tickets: Sequence[Ticket], now: float) -> None:
        """Keep events for a later flush; what the store has no room for is given up."""
        if not len(self.store):
            self.kept_since = now
        evicted = self.store.add(items)
        if evicted:
            reason = f"dropped to keep within max_retained_size ({self._options.max_retained_size} bytes)"
            self.give_up(evicted, DeliveryError(reason, count=len(evicted)), tickets)

    def give_up(self, events: list[bytes], error: DeliveryError, tickets: Sequence[Ticket]) -> None:
        """Book events that nobody sends any more, and hand them to the user's sink."""
        self.books = self.books._replace(undelivered=self.books.undelivered + len(events))
        for ticket in tickets:
            ticket.undelivered += len(events)
        self.blame(tickets, error.reason, len(events), status=error.status, transient=False)
        # A sink that hangs keeps one sender, not all of them.
        if self._options.on_undelivered is not None and not self._roster.sink_hangs():
            # Its own time, not the flush's: a flush goes on without it.
            deadline = Deadline.after(BACKGROUND_BUDGET)
            handover = Handover(events, error, deadline, self._options.on_undelivered)
            for ticket in tickets:
                attach(handover, ticket)
            self._roster.add(handover)

    def blame(
        self, tickets: Sequence[Ticket], reason: str, events: int, *, status: int | None = None, transient: bool
    ) -> None:
        """Note why events were kept or given up, for the flushes that wait for them, or else for the log."""
        for ticket in tickets:
            ticket.blame(reason, events, status=status, transient=transient)
        if not tickets:
            key = (reason, status, transient)
            self._untold[key] = self._untold.get(key, 0) + events

    def publish(self) -> None:
        """Bring the books up to date with what is under way and what is kept."""
        in_flight = sum(len(parcel.items) for parcel in self._roster.parcels())
        if in_flight != self.books.in_flight or len(self.store) != self.books.retained:
            self.books = self.books._replace(in_flight=in_flight, retained=len(self.store))

    def tell(self) -> None:
        """Log what went wrong where no flush waits that would say so."""
        if not self._untold:
            return
        untold, self._untold = self._untold, {}
        for (reason, status, transient), events in untold.items():
            level = logging.ERROR if status in (401, 403) else logging.WARNING
            fate = "retained" if transient else "given up" if status != 200 else "sent"
            logger.log(level, "formo_lambda: %d events %s: %s", events, fate, reason)
