"""The first sender of a client: it keeps the books and the clock, and gives the others what to send.

It alone owns the state of delivery, so that state needs no lock: callers put messages into an inbox, senders report
into the same inbox, and each turn handles what is there and then does what has become due. It makes no network call
itself, unless no other thread can be started.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, TypeAlias

from formo_lambda.delivery.courier import Courier, Outcome
from formo_lambda.delivery.dispatch import Dispatcher
from formo_lambda.delivery.early import EarlyLeaving
from formo_lambda.delivery.jobs import Job, Parcel, Warmup, attach, detach
from formo_lambda.delivery.ledger import Books, Ledger
from formo_lambda.delivery.policy import PassingFailure
from formo_lambda.delivery.roster import Roster
from formo_lambda.delivery.suspicion import Suspicion
from formo_lambda.invocation import Buffer, Deadline
from formo_lambda.options import BACKGROUND_BUDGET, BACKGROUND_NAP, PROBE_WAIT, REPORT_GRACE, SENDER_IDLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from formo_lambda.delivery.senders import Sender
    from formo_lambda.delivery.store import Item
    from formo_lambda.delivery.ticket import Ticket
    from formo_lambda.delivery.transport import Link
    from formo_lambda.options import Options

logger = logging.getLogger("formo_lambda")

#: Seconds of silence after which a connection is opened anew at the first event, while the handler works.
_WARM_AFTER = 10.0

#: What is put into the inbox: a method of the coordinator, and its arguments.
Message: TypeAlias = "tuple[Callable[..., None], tuple[Any, ...]]"


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
        self.turning = 0
        self._options = options
        self._own = own
        self._link = link
        self._release = release
        self._roster = Roster(report, self.on_done, link.interrupt if link else None)
        self._ledger = Ledger(options, self._roster)
        self._dispatcher = Dispatcher(options, courier, self._roster)
        self._suspicion = Suspicion()
        self._early = EarlyLeaving(options, own, self._dispatcher, self._ledger, self._roster, self._suspicion)
        self._reached_at = 0.0
        self._tickets: dict[Ticket, None] = {}

    @property
    def books(self) -> Books:
        """The state as of the last turn, for readers on other threads."""
        return self._ledger.books

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
            self._early.collect(now)
            self._send_kept(now)
            self._roster.start()
            done = self._take_done(now)
        finally:
            self._ledger.publish()
            self.turning += 1
        # Last, because who waits for them goes on from here.
        for ticket, retained in done:
            ticket.finish(retained)
        self._ledger.tell()

    def next_due(self) -> float:
        """Return the seconds until something becomes due; SENDER_IDLE where nothing will."""
        now = time.monotonic()
        moments = [now + SENDER_IDLE]
        moments += [ticket.deadline.at + REPORT_GRACE / 3 for ticket in self._tickets]
        moments += self._roster.next_overdue()
        # What cannot be acted on is not due: the sender that is in the way will report, and so wake us.
        if self._suspicion.until is not None or self._roster.can_take():
            moments += self._early.moments()
            if len(self._ledger.store) and self._roster.probe() is None:
                moments.append(self._store_due())
        return max(0.0, min(moments) - now)

    def idle(self) -> bool:
        """Whether there is nothing to care for: nothing buffered, in flight or retained."""
        return not (self._tickets or len(self._ledger.store) or self._early.any_waits()) and self._roster.idle()

    def dismiss(self) -> None:
        """Let the other senders go."""
        self._roster.dismiss()

    # -- messages --------------------------------------------------------------------------------------------------

    def on_notice(self, buffer: Buffer) -> None:
        """A buffer has its first event, or is full."""
        self._early.watch(buffer)
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
        drained, scopes = self._dispatcher.drain(ticket.buffers)
        items += drained
        for buffer in ticket.closing:
            self._early.forget(buffer)
            self._release(buffer)
        if not items and not ticket.forced:
            # What was retained leaves with an invocation's own events: one without never pays.
            if not ticket.outstanding:
                del self._tickets[ticket]
                ticket.finish(0)
            return
        if self._suspicion.until is None or ticket.forced:
            if len(self._ledger.store):
                scopes.add(self._own)
                items = self._ledger.store.take() + items
            self._dispatcher.send(items, scopes or {self._own}, ticket.deadline, [ticket])
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
        detach(job)

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
                self._ledger.blame(parcel.tickets, "no answer in time", len(parcel.items), status=None, transient=True)
                detach(parcel)
                taken_over += parcel.items
                continue
            if ticket.forced:
                parcel.wanted_by.append(ticket)
            attach(parcel, ticket)
            for buffer in ticket.closing:
                if buffer.record in parcel.tickets:
                    parcel.tickets.remove(buffer.record)
        return taken_over

    def _concerns(self, ticket: Ticket, buffer: Buffer) -> bool:
        """Whether a flush answers for what came from a buffer: its own; by name, also what nobody else answers for."""
        if ticket.forced:
            return buffer in ticket.buffers or buffer.closed
        return buffer in ticket.buffers and buffer is not self._own

    def _probe_for(self, ticket: Ticket | None, items: Sequence[Item], now: float) -> None:
        """Keep some events, but the newest if the pause is over: those find out whether the server has recovered."""
        tickets = [] if ticket is None else [ticket]
        probe = self._roster.probe()
        if not self._suspicion.due(now):
            self._ledger.keep(items, tickets, now)
            if ticket is not None:
                ticket.blame("the server is left alone after a failure", len(self._ledger.store), transient=True)
            return
        if probe is None:
            probe, items = self._dispatcher.send_probe(items, self._own)
        self._ledger.keep(items, tickets, now)
        if ticket is not None:
            ticket.follow = ticket.deadline
            ticket.deadline = ticket.deadline.earlier(PROBE_WAIT)
            attach(probe, ticket)

    def _settle(self, parcel: Parcel, outcome: Outcome) -> None:
        """Book the outcome of a batch."""
        self._ledger.count(outcome, parcel.tickets)
        for refused in outcome.refused:
            self._ledger.give_up(refused.events, refused.error, parcel.tickets)
        if outcome.failure is not None:
            self._settle_failure(parcel, outcome, outcome.failure)
            return
        self._suspicion.cleared()
        self._has_reached()
        if parcel.probe:
            self._follow_probe(parcel)

    def _settle_failure(self, parcel: Parcel, outcome: Outcome, failure: PassingFailure) -> None:
        """Keep what a failure has left of a batch, or have it sent for those who asked for it meanwhile."""
        now = time.monotonic()
        kept = parcel.items_of(outcome.kept)
        again = [ticket for ticket in parcel.wanted_by if ticket in self._tickets]
        others = [ticket for ticket in parcel.tickets if ticket not in again]
        if others or not again:
            self._ledger.blame(others, failure.reason, len(kept), status=failure.status, transient=True)
        if outcome.requests or failure.retry:  # else there was no time to try, which says nothing of the server
            self._fail(parcel, failure, now, reached=outcome.reached)
        if again:
            # They were asked for by name while under way, and have not been tried for those who asked.
            latest = max((ticket.deadline for ticket in again), key=lambda deadline: deadline.at)
            self._dispatcher.send(kept, parcel.scopes, latest, again)
        else:
            self._ledger.keep(kept, parcel.tickets, now)

    def _has_reached(self) -> None:
        self._roster.proven = True
        self._reached_at = time.time()

    def _follow_probe(self, probe: Parcel) -> None:
        """The server is well again: what was held back goes out, for those who still wait and for the others."""
        waiting = [ticket for ticket in probe.tickets if ticket in self._tickets and ticket.follow]
        for ticket in waiting:
            ticket.deadline, ticket.follow = ticket.follow or ticket.deadline, None
        deadline = max((ticket.deadline for ticket in waiting), key=lambda d: d.at, default=None)
        self._dispatcher.send(
            self._ledger.store.take(),
            {self._own},
            deadline or Deadline.after(BACKGROUND_BUDGET),
            waiting,
            BACKGROUND_NAP,
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
        self._ledger.blame(parcel.tickets, reason, len(parcel.items), status=status, transient=True)
        self._ledger.keep(parcel.items, parcel.tickets, time.monotonic())
        detach(parcel)

    # -- what becomes due ------------------------------------------------------------------------------------------

    def _give_up_overdue(self, now: float) -> None:
        """Take back what a sender does not return from: only name resolution and a user's own code can hang so."""
        for job in self._roster.give_up_overdue(now):
            if isinstance(job, Parcel):
                self._fail(job, PassingFailure("timed out"), now, reached=False)
                self._take_back(job, "timed out")
            else:
                detach(job)

    def _send_kept(self, now: float) -> None:
        """Send what is kept once it has waited long enough; of a suspect server first find out whether it is well."""
        if len(self._ledger.store) and now >= self._store_due() and self._roster.probe() is None:
            if self._suspicion.until is not None:
                self._probe_for(None, self._ledger.store.take(), now)
            elif self._roster.can_take():
                self._dispatcher.send(
                    self._ledger.store.take(), {self._own}, Deadline.after(BACKGROUND_BUDGET), (), BACKGROUND_NAP
                )

    def _store_due(self) -> float:
        until = self._suspicion.until
        return until if until is not None else self._ledger.kept_since + self._options.flush_interval

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
                done.append((ticket, len(self._ledger.store) + unsettled))
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
