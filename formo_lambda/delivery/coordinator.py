"""The first sender of a client: it keeps the books and the clock, and gives the others what to send.

It alone owns the state of delivery, so that state needs no lock: callers put messages into an inbox, senders report
into the same inbox, and each turn handles what is there and then does what has become due. It makes no network call
itself, unless no other thread can be started.
"""

from __future__ import annotations

import logging
import time
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from formo_lambda.delivery import body
from formo_lambda.delivery.courier import Courier, Outcome
from formo_lambda.delivery.jobs import Handover, Job, Parcel, Warmup
from formo_lambda.delivery.policy import PassingFailure
from formo_lambda.delivery.roster import Roster
from formo_lambda.delivery.store import Item, Store
from formo_lambda.delivery.suspicion import Suspicion
from formo_lambda.delivery.ticket import Ticket
from formo_lambda.errors import DeliveryError
from formo_lambda.invocation import Buffer, Deadline
from formo_lambda.options import (
    BACKGROUND_BUDGET,
    MAX_BATCH_EVENTS,
    PROBE_WAIT,
    REPORT_GRACE,
    SENDER_IDLE,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from formo_lambda.delivery.senders import Sender
    from formo_lambda.delivery.transport import Link
    from formo_lambda.options import Options

logger = logging.getLogger("formo_lambda")

#: Seconds of silence after which a connection is opened anew at the first event, while the handler works.
_WARM_AFTER = 10.0
#: The longest pause between two attempts of a batch that no flush has asked for, in seconds.
_BACKGROUND_NAP = 1.0


#: What is put into the inbox: a method of the coordinator, and its arguments.
Message: TypeAlias = "tuple[Callable[..., None], tuple[Any, ...]]"


class Books(NamedTuple):
    """Where the events are that have left their buffers, and how often the wire was used."""

    in_flight: int = 0
    sent: int = 0
    quarantined: int = 0
    retained: int = 0
    undelivered: int = 0
    requests: int = 0


class Coordinator:
    """The state of one client's delivery, and the turns that change it.

    Args:
        options: The client's options.
        own: The client's own buffer.
        courier: Delivers a batch.
        link: The transport's connections, where it keeps any.
        report: Brings a sender's outcome back to the inbox.
        release: Called with a buffer whose invocation is over, once it is empty.

    Attributes:
        books: The state as of the last turn, for readers on other threads.
        turning: Odd while a turn is changing things.
    """

    def __init__(
        self,
        options: Options,
        own: Buffer,
        courier: Courier,
        link: Link | None,
        report: Callable[[Sender, Job, Any], None],
        release: Callable[[Buffer], None],
    ) -> None:
        self.books = Books()
        self.turning = 0
        self._options = options
        self._own = own
        self._courier = courier
        self._link = link
        self._release = release
        self._order = count()
        self._store = Store(options.max_retained_size)
        self._store_since = 0.0
        self._suspicion = Suspicion()
        self._reached_at = 0.0
        self._watched: dict[Buffer, None] = {}
        self._tickets: dict[Ticket, None] = {}
        self._roster = Roster(report, self.on_done, link.interrupt if link else None)
        self._untold: dict[tuple[str, int | None, bool], int] = {}

    # -- turns -----------------------------------------------------------------------------------------------------

    def turn(self, messages: Iterable[Message]) -> None:
        """Handle some messages, and do what has become due."""
        self.turning += 1
        done: list[tuple[Ticket, int]] = []
        try:
            for handle, arguments in messages:
                try:
                    handle(*arguments)
                except Exception:
                    logger.exception("formo_lambda: a fault of the library itself; please report it")
            now = time.monotonic()
            self._give_up_overdue(now)
            self._collect(now)
            self._roster.start()
            done = self._take_done(now)
        finally:
            self._publish()
            self.turning += 1
        # Last, because who waits for them goes on from here.
        for ticket, retained in done:
            ticket.finish(retained)
        self._tell()

    def next_due(self) -> float:
        """Return the seconds until something becomes due; SENDER_IDLE where nothing will."""
        now = time.monotonic()
        moments = [now + SENDER_IDLE]
        moments += [ticket.deadline.at + REPORT_GRACE / 3 for ticket in self._tickets]
        moments += self._roster.next_overdue()
        # What cannot be acted on is not due: the sender that is in the way will report, and so wake us.
        if self._suspicion.until is not None or self._roster.can_take():
            moments += [b.since + self._options.flush_interval for b in self._watched if b.early and b.events]
            if len(self._store) and self._roster.probe() is None:
                moments.append(self._store_due())
        return max(0.0, min(moments) - now)

    def idle(self) -> bool:
        """Whether there is nothing to care for: nothing buffered, in flight or retained."""
        buffered = any(buffer.events for buffer in self._watched)
        return not (self._tickets or len(self._store) or buffered) and self._roster.idle()

    def dismiss(self) -> None:
        """Let the other senders go."""
        self._roster.dismiss()

    # -- messages --------------------------------------------------------------------------------------------------

    def on_notice(self, buffer: Buffer) -> None:
        """A buffer has its first event, or is full."""
        self._watched[buffer] = None
        if self._link is None or self._suspicion.until is not None or not self._roster.idle():
            return
        # Wall clock, as for the age of a connection: a freeze counts.
        if not self._roster.proven or abs(time.time() - self._reached_at) > _WARM_AFTER:
            self._roster.add(Warmup(Deadline.after(self._options.request_timeout), self._link.warm))

    def on_flush(self, ticket: Ticket) -> None:
        """A caller waits for everything in some buffers, what is under way from them, and what was retained."""
        now = time.monotonic()
        self._tickets[ticket] = None
        items = self._join(ticket)
        drained, scopes = self._drain(ticket.buffers)
        items += drained
        for buffer in ticket.closing:
            self._watched.pop(buffer, None)
            self._release(buffer)
        if not items and not ticket.forced:
            # What was retained leaves with an invocation's own events: one without never pays.
            if not ticket.outstanding:
                del self._tickets[ticket]
                ticket.finish(0)
            return
        if self._suspicion.until is None or ticket.forced:
            if len(self._store):
                scopes.add(self._own)
                items = self._store.take() + items
            self._dispatch(items, scopes or {self._own}, ticket.deadline, [ticket])
        else:
            self._probe_for(ticket, items, now)

    def on_done(self, sender: Sender | None, job: Job, outcome: Any) -> None:
        """A sender has done its job."""
        if not self._roster.done(sender, job):
            return  # Its events were kept or sent anew: what it says now comes too late to count.
        if isinstance(job, Parcel):
            if not isinstance(outcome, Outcome):
                failure = PassingFailure(f"delivery failed with {type(outcome).__name__}")
                logger.error("delivery failed", exc_info=outcome if isinstance(outcome, Exception) else None)
                outcome = Outcome(0, 0, [event for _, event in job.items], [], failure, 0, reached=False)
            self._settle(job, outcome)
        elif isinstance(job, Warmup) and outcome is True:
            self._has_reached()
        for ticket in job.tickets:
            ticket.outstanding -= 1

    # -- what a message leads to -----------------------------------------------------------------------------------

    def _join(self, ticket: Ticket) -> list[Item]:
        """Have a flush wait for the batches under way that concern it; return the events of those it takes over."""
        taken_over: list[Item] = []
        for parcel in self._roster.parcels():
            if not any(self._concerns(ticket, buffer) for buffer in parcel.scopes):
                continue
            if parcel.blamed and ticket.forced:
                # Somebody has waited for it in vain. Who asks by name gets a new attempt, on a new connection.
                self._roster.give_up(parcel)
                self._blame(parcel.tickets, "no answer in time", len(parcel.items), status=None, transient=True)
                for other in parcel.tickets:
                    other.outstanding -= 1
                taken_over += parcel.items
                continue
            if ticket.forced:
                parcel.wanted_by.append(ticket)
            self._attach(parcel, ticket)
            for buffer in ticket.closing:
                if buffer.record in parcel.tickets:
                    parcel.tickets.remove(buffer.record)
        return taken_over

    def _concerns(self, ticket: Ticket, buffer: Buffer) -> bool:
        """Whether a flush answers for what came from a buffer: its own; by name, also what nobody else answers for."""
        if ticket.forced:
            return buffer in ticket.buffers or buffer.closed
        return buffer in ticket.buffers and buffer is not self._own

    def _drain(self, buffers: Iterable[Buffer]) -> tuple[list[Item], set[Buffer]]:
        items: list[Item] = []
        scopes: set[Buffer] = set()
        for buffer in buffers:
            events = buffer.drain()
            if events:
                scopes.add(buffer)
                items += zip(self._order, events, strict=False)
        return items, scopes

    def _attach(self, job: Job, ticket: Ticket) -> None:
        job.tickets.append(ticket)
        ticket.outstanding += 1

    def _dispatch(
        self,
        items: Sequence[Item],
        scopes: set[Buffer],
        deadline: Deadline,
        tickets: Sequence[Ticket],
        longest_nap: float = float("inf"),
    ) -> None:
        start = 0
        for batch in body.cut([event for _, event in items], self._options.max_queue_size):
            end = start + len(batch)
            parcel = Parcel(items[start:end], deadline, scopes, self._courier, longest_nap=longest_nap)
            for ticket in tickets:
                self._attach(parcel, ticket)
            self._roster.add(parcel)
            start = end

    def _probe_for(self, ticket: Ticket | None, items: list[Item], now: float) -> None:
        """Keep some events, but the newest if the pause is over: those find out whether the server has recovered."""
        tickets = [] if ticket is None else [ticket]
        probe = self._roster.probe()
        if not self._suspicion.due(now):
            self._keep(items, tickets, now)
            if ticket is not None:
                ticket.blame("the server is left alone after a failure", len(self._store), transient=True)
            return
        if probe is None:
            *older, _ = body.cut([event for _, event in items], self._options.max_queue_size)
            split = sum(map(len, older))
            deadline = Deadline.after(self._options.request_timeout)
            probe = Parcel(items[split:], deadline, [self._own], self._courier, probe=True)
            self._roster.add(probe, first=True)
            items = items[:split]
        self._keep(items, tickets, now)
        if ticket is not None:
            ticket.follow = ticket.deadline
            ticket.deadline = ticket.deadline.earlier(PROBE_WAIT)
            self._attach(probe, ticket)

    def _settle(self, parcel: Parcel, outcome: Outcome) -> None:
        """Book the outcome of a batch."""
        now = time.monotonic()
        self.books = self.books._replace(
            sent=self.books.sent + outcome.sent,
            quarantined=self.books.quarantined + outcome.quarantined,
            requests=self.books.requests + outcome.requests,
        )
        for ticket in parcel.tickets:
            ticket.sent += outcome.sent
            ticket.quarantined += outcome.quarantined
            ticket.requests += outcome.requests
        for refused in outcome.refused:
            self._give_up(refused.events, refused.error, parcel.tickets)
        if outcome.quarantined and not parcel.tickets:
            self._blame((), "quarantined by the server", outcome.quarantined, status=200, transient=False)
        failure = outcome.failure
        if failure is not None:
            kept = parcel.items_of(outcome.kept)
            again = [ticket for ticket in parcel.wanted_by if ticket in self._tickets]
            others = [ticket for ticket in parcel.tickets if ticket not in again]
            if others or not again:
                self._blame(others, failure.reason, len(kept), status=failure.status, transient=True)
            if outcome.requests or failure.retry:  # else there was no time to try, which says nothing of the server
                self._fail(parcel, failure, now, reached=outcome.reached)
            if again:
                # They were asked for by name while under way, and have not been tried for those who asked.
                self._dispatch(kept, set(parcel.scopes), max((t.deadline for t in again), key=lambda d: d.at), again)
            else:
                self._keep(kept, parcel.tickets, now)
            return
        self._suspicion.cleared()
        self._has_reached()
        if parcel.probe:
            self._follow_probe(parcel)

    def _has_reached(self) -> None:
        self._roster.proven = True
        self._reached_at = time.time()

    def _follow_probe(self, probe: Parcel) -> None:
        """The server is well again: what was held back goes out, for those who still wait and for the others."""
        waiting = [ticket for ticket in probe.tickets if ticket in self._tickets and ticket.follow]
        for ticket in waiting:
            ticket.deadline, ticket.follow = ticket.follow or ticket.deadline, None
        deadline = max((ticket.deadline for ticket in waiting), key=lambda d: d.at, default=None)
        self._dispatch(
            self._store.take(), {self._own}, deadline or Deadline.after(BACKGROUND_BUDGET), waiting, _BACKGROUND_NAP
        )

    def _fail(self, parcel: Parcel, failure: PassingFailure, now: float, *, reached: bool) -> None:
        """Book a failure of the passing kind once, and spare the server the batches that wait behind it."""
        if not parcel.blamed:
            parcel.blamed = True
            self._suspicion.failed(now, failure.pause)
        if not reached:
            self._roster.proven = False
        if reached and failure.pause is None and failure.status != 429:
            return  # It answers, so the fault may lie with this batch: the others have their turn.
        for waiting in self._roster.waiting_parcels():
            self._roster.withdraw(waiting)
            self._take_back(waiting, failure.reason, status=failure.status)

    def _take_back(self, parcel: Parcel, reason: str, *, status: int | None = None) -> None:
        """Keep the events of a batch that nobody sends now."""
        self._blame(parcel.tickets, reason, len(parcel.items), status=status, transient=True)
        self._keep(parcel.items, parcel.tickets, time.monotonic())
        for ticket in parcel.tickets:
            ticket.outstanding -= 1

    def _keep(self, items: Sequence[Item], tickets: Sequence[Ticket], now: float) -> None:
        if not len(self._store):
            self._store_since = now
        evicted = self._store.add(items)
        if evicted:
            reason = f"dropped to keep within max_retained_size ({self._options.max_retained_size} bytes)"
            self._give_up(evicted, DeliveryError(reason, count=len(evicted)), tickets)

    def _give_up(self, events: list[bytes], error: DeliveryError, tickets: Sequence[Ticket]) -> None:
        self.books = self.books._replace(undelivered=self.books.undelivered + len(events))
        for ticket in tickets:
            ticket.undelivered += len(events)
        self._blame(tickets, error.reason, len(events), status=error.status, transient=False)
        # A sink that hangs keeps one sender, not all of them.
        if self._options.on_undelivered is not None and not self._roster.sink_hangs():
            # Its own time, not the flush's: a flush goes on without it.
            deadline = Deadline.after(BACKGROUND_BUDGET)
            handover = Handover(events, error, deadline, self._options.on_undelivered)
            for ticket in tickets:
                self._attach(handover, ticket)
            self._roster.add(handover)

    def _blame(
        self, tickets: Sequence[Ticket], reason: str, events: int, *, status: int | None, transient: bool
    ) -> None:
        for ticket in tickets:
            ticket.blame(reason, events, status=status, transient=transient)
        if not tickets:
            key = (reason, status, transient)
            self._untold[key] = self._untold.get(key, 0) + events

    # -- what becomes due ------------------------------------------------------------------------------------------

    def _give_up_overdue(self, now: float) -> None:
        """Take back what a sender does not return from: only name resolution and a user's own code can hang so."""
        for job in self._roster.give_up_overdue(now):
            if isinstance(job, Parcel):
                self._fail(job, PassingFailure("timed out"), now, reached=False)
                self._take_back(job, "timed out")
            else:
                for ticket in job.tickets:
                    ticket.outstanding -= 1

    def _collect(self, now: float) -> None:
        """Take what is full or old enough out of the buffers, and out of the store what has waited long enough."""
        for buffer in list(self._watched):
            if not buffer.events:
                buffer.rearm()
            if not buffer.events:
                del self._watched[buffer]
            elif not buffer.early:
                self._bound(buffer)
            elif now >= buffer.since + self._options.flush_interval or (buffer.full and not self._gathers(buffer)):
                self._send_early(buffer, now)
        if len(self._store) and now >= self._store_due() and self._roster.probe() is None:
            if self._suspicion.until is not None:
                self._probe_for(None, self._store.take(), now)
            elif self._roster.can_take():
                self._dispatch(self._store.take(), {self._own}, Deadline.after(BACKGROUND_BUDGET), (), _BACKGROUND_NAP)

    def _gathers(self, buffer: Buffer) -> bool:
        """Whether a full buffer should grow to a whole request first, while an earlier batch of it is under way.

        Handing out every twenty events would take all senders, and the rest would wait for a second round trip.
        """
        if len(buffer.events) >= MAX_BATCH_EVENTS or buffer.size >= self._options.max_queue_size:
            return False
        return any(buffer in parcel.scopes for parcel in self._roster.parcels())

    def _send_early(self, buffer: Buffer, now: float) -> None:
        """Send a buffer that is full or old, while its invocation goes on."""
        if self._suspicion.until is None and self._roster.can_take():
            items, scopes = self._drain([buffer])
            deadline = Deadline.after(BACKGROUND_BUDGET)
            self._dispatch(items, scopes, deadline, self._record_of(buffer), _BACKGROUND_NAP)
            self._roster.start()
        elif self._suspicion.until is not None or buffer.size >= 2 * self._options.max_queue_size:
            # Nobody to send to, or the senders are busy, perhaps with a server that hangs: what piles up is bounded.
            items, _ = self._drain([buffer])
            self._keep(items, (), now)

    def _record_of(self, buffer: Buffer) -> list[Ticket]:
        """Return what notes the early events of an invocation, for the flush at its end to tell."""
        if buffer is self._own:
            return []
        if not isinstance(buffer.record, Ticket):
            buffer.record = Ticket((), Deadline.after(BACKGROUND_BUDGET), forced=False)
        return [buffer.record]

    def _store_due(self) -> float:
        until = self._suspicion.until
        return until if until is not None else self._store_since + self._options.flush_interval

    def _bound(self, buffer: Buffer) -> None:
        """Keep a buffer that must not leave early within the bound of the store, oldest out first."""
        evicted = buffer.shed(self._options.max_retained_size)
        if evicted:
            reason = f"dropped to keep an invocation within max_retained_size ({self._options.max_retained_size} bytes)"
            self._give_up(evicted, DeliveryError(reason, count=len(evicted)), self._record_of(buffer))

    def _take_done(self, now: float) -> list[tuple[Ticket, int]]:
        """Take out the flushes that have their outcome or are out of time, each with what is retained after it."""
        done: list[tuple[Ticket, int]] = []
        for ticket in list(self._tickets):
            overdue = now >= ticket.deadline.at + REPORT_GRACE / 3
            if ticket.outstanding and overdue:
                self._desert(ticket, now)
            if not ticket.outstanding or overdue:
                del self._tickets[ticket]
                unsettled = sum(len(parcel.items) for parcel in self._roster.parcels() if ticket in parcel.tickets)
                done.append((ticket, len(self._store) + unsettled))
        return done

    def _desert(self, ticket: Ticket, now: float) -> None:
        """A flush is out of time: keep what has not been started for it, and suspect what has not been answered."""
        waited_in_vain = False
        for parcel in self._roster.waiting_parcels():
            if parcel.tickets == [ticket]:
                self._roster.withdraw(parcel)
                self._take_back(parcel, "out of time")
                waited_in_vain = self._roster.scouting()
        if waited_in_vain:
            # Behind a job that went ahead to reach the server, and has not: nobody else is to wait for that one.
            self._roster.recall_scouts()
            self._suspicion.failed(now, None)
        for parcel in self._roster.running_parcels():
            if ticket in parcel.tickets:
                ticket.blame("no answer in time", len(parcel.items), transient=True)
                if not parcel.blamed:
                    parcel.blamed = True
                    self._suspicion.failed(now, None)

    def _publish(self) -> None:
        in_flight = sum(len(parcel.items) for parcel in self._roster.parcels())
        if in_flight != self.books.in_flight or len(self._store) != self.books.retained:
            self.books = self.books._replace(in_flight=in_flight, retained=len(self._store))

    def _tell(self) -> None:
        """Log what went wrong where no flush waits that would say so."""
        if not self._untold:
            return
        untold, self._untold = self._untold, {}
        for (reason, status, transient), events in untold.items():
            level = logging.ERROR if status in (401, 403) else logging.WARNING
            fate = "retained" if transient else "given up" if status != 200 else "sent"
            logger.log(level, "formo_lambda: %d events %s: %s", events, fate, reason)
