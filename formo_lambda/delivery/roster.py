"""The jobs of one client that wait and run, and the senders that run them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from formo_lambda.delivery.jobs import Handover, Job, Parcel, Warmup
from formo_lambda.delivery.senders import Sender, run_guarded
from formo_lambda.options import MAX_SENDERS, REPORT_GRACE

if TYPE_CHECKING:
    from collections.abc import Callable


class Roster:
    """Who does what. It is part of the coordinator's state, and as free of locks.

    Args:
        report: Brings a sender's outcome back to the inbox.
        on_done: Called with a job and its outcome where no thread could be started and it was run on the spot.
        interrupt: Ends the exchange that a thread is in; None where nothing can.

    Attributes:
        proven: Whether the server has answered since the last failure to reach it. Until then one sender goes ahead
            alone: a name that hangs in resolution must not hold them all.
    """

    def __init__(
        self,
        report: Callable[[Sender, Job, Any], None],
        on_done: Callable[[Sender | None, Job, Any], None],
        interrupt: Callable[[int], None] | None,
    ) -> None:
        self.proven = False
        self._report = report
        self._on_done = on_done
        self._interrupt = interrupt
        self._waiting: deque[Job] = deque()
        self._running: dict[Job, Sender | None] = {}
        #: Jobs that were given up while a sender hangs in them. The sender is lost until it returns.
        self._strays: dict[Job, None] = {}
        self._free: list[Sender] = []

    def add(self, job: Job, *, first: bool = False) -> None:
        """Have a job done when there is room, before or after those that wait."""
        if first:
            self._waiting.appendleft(job)
        else:
            self._waiting.append(job)

    def withdraw(self, job: Job) -> None:
        """Have a job that waits not done."""
        self._waiting.remove(job)

    def start(self) -> None:
        """Start as many of the waiting jobs as there is room for."""
        passed_over: list[Job] = []
        while self._waiting and self.room() > 0:
            job = self._waiting.popleft()
            if isinstance(job, Handover) and any(isinstance(other, Handover) for other in self._running):
                passed_over.append(job)  # One at a time: a sink that hangs must not hold every sender.
                continue
            sender = self._give(job)
            if sender is not None:
                self._running[job] = sender
            elif not self._run_here(job):
                passed_over.append(job)
        self._waiting.extendleft(reversed(passed_over))

    def _run_here(self, job: Job) -> bool:
        """Run a job on the spot, where no thread can be started; return False if it has to wait for a flush."""
        if isinstance(job, Warmup):
            self._running[job] = None
            self._on_done(None, job, None)
            return True
        if not job.tickets:
            return False
        # Whoever runs it waits for it: it must end when the first of those who wait does.
        first = min((ticket.deadline for ticket in job.tickets), key=lambda deadline: deadline.at)
        if first.at < job.deadline.at:
            job.deadline = first
        self._running[job] = None
        self._on_done(None, job, run_guarded(job))
        return True

    def done(self, sender: Sender | None, job: Job) -> bool:
        """Take a sender back; return False if its job had been given up."""
        if sender is not None:
            self._free.append(sender)
        if job in self._strays:
            del self._strays[job]
            return False
        self._running.pop(job, None)
        return True

    def give_up_overdue(self, now: float) -> list[Job]:
        """Return the jobs that are past their deadline and did not end: name resolution and users' code can hang so."""
        overdue = [job for job in self._running if now >= job.deadline.at + REPORT_GRACE / 2]
        for job in overdue:
            self.give_up(job)
        return overdue

    def give_up(self, job: Job) -> None:
        """Have a job not done any more, whether it waits or runs; what it still reports does not count."""
        if job not in self._running:
            self._waiting.remove(job)
            return
        sender = self._running.pop(job)
        self._strays[job] = None
        if sender is not None and sender.thread is not None and self._interrupt is not None:
            self._interrupt(sender.thread)

    def next_overdue(self) -> list[float]:
        """Return the moments at which running jobs will be overdue."""
        return [job.deadline.at + REPORT_GRACE / 2 for job in self._running]

    def room(self) -> int:
        """Return how many more jobs may run now."""
        free = MAX_SENDERS - 1 - len(self._running) - len(self._strays)
        if self.proven and not any(isinstance(job, Warmup) for job in self._running):
            return free
        # Those that somebody has already waited for in vain are no scouts any more.
        scouts = sum(not (isinstance(job, Parcel) and job.blamed) for job in self._running)
        return min(1 - scouts, free)

    def scouting(self) -> bool:
        """Whether a job goes ahead alone to find out if the server can be reached, and others wait for it."""
        return bool(self._running) and (not self.proven or any(isinstance(job, Warmup) for job in self._running))

    def recall_scouts(self) -> None:
        """Let nobody wait any longer for the jobs that went ahead."""
        for job in list(self._running):
            if isinstance(job, Warmup):
                self.give_up(job)
            elif isinstance(job, Parcel):
                job.blamed = True

    def can_take(self) -> bool:
        """Whether a new job would start at once."""
        return not self._waiting and self.room() > 0

    def idle(self) -> bool:
        """Whether nothing waits or runs; what was given up does not count."""
        return not self._waiting and not self._running

    def parcels(self) -> list[Parcel]:
        """Return the batches that wait and run."""
        return [job for job in [*self._waiting, *self._running] if isinstance(job, Parcel)]

    def waiting_parcels(self) -> list[Parcel]:
        """Return the batches that wait."""
        return [job for job in self._waiting if isinstance(job, Parcel)]

    def running_parcels(self) -> list[Parcel]:
        """Return the batches that are under way."""
        return [job for job in self._running if isinstance(job, Parcel)]

    def probe(self) -> Parcel | None:
        """Return the batch that finds out whether a suspect server has recovered, if there is one."""
        return next((parcel for parcel in self.parcels() if parcel.probe), None)

    def sink_hangs(self) -> bool:
        """Whether the user's sink has not returned for so long that it was given up."""
        return any(isinstance(job, Handover) for job in self._strays)

    def dismiss(self) -> None:
        """Let the senders go that have nothing to do."""
        for sender in self._free:
            sender.dismiss()
        self._free.clear()

    def _give(self, job: Job) -> Sender | None:
        """Return the sender that has the job now; None where none is free and no thread can be started."""
        if self._free:
            sender = self._free.pop()
            sender.give(job)
            return sender
        sender = Sender(self._report)
        # Before it starts: a thread that finds its work at once need not be let in a second time.
        sender.give(job)
        return sender if sender.start() else None
