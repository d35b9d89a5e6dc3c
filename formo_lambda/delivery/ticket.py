"""What one flush waits for, and what it is told."""

from __future__ import annotations

import time
from _thread import allocate_lock
from typing import TYPE_CHECKING

from formo_lambda.delivery.result import FlushResult
from formo_lambda.errors import DeliveryError
from formo_lambda.options import REPORT_GRACE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from formo_lambda.invocation import Buffer, Deadline


class Ticket:
    """One flush of one client. A sender fills it in; the caller waits for it, up to its deadline and not beyond.

    Args:
        buffers: What to send.
        deadline: When the caller goes on, whatever happened.
        forced: Whether the caller asked for it by name; then a suspect server is tried all the same.
        closing: The buffers that end with this flush.

    Attributes:
        outstanding: Jobs it still waits for.
        finished: Whether the result stands.
        follow: The deadline for what follows a probe that it waits for, or None where it waits for none.
    """

    def __init__(
        self, buffers: Sequence[Buffer], deadline: Deadline, *, forced: bool, closing: Sequence[Buffer] = ()
    ) -> None:
        self.buffers = tuple(buffers)
        self.closing = tuple(closing)
        self.deadline = deadline
        self.forced = forced
        self.follow: Deadline | None = None
        self.outstanding = 0
        self.finished = False
        self.sent = 0
        self.quarantined = 0
        self.retained = 0
        self.undelivered = 0
        self.requests = 0
        self.errors: list[DeliveryError] = []
        self.discarded = sum(_take_count(buffer, "discarded") for buffer in self.buffers)
        self.invalid = sum(_take_count(buffer, "invalid") for buffer in self.buffers)
        self._started = time.monotonic()
        # The caller's own deadline: a probe shortens the one that its sender goes by.
        self._until = deadline.at + REPORT_GRACE
        self._on_finish: Callable[[], object] | None = None
        # A bare lock as a latch: nobody ever holds it while doing something, so a signal handler that runs on top
        # of a waiting caller cannot block the sender that reports.
        self._latch = allocate_lock()
        self._latch.acquire()

    def blame(self, reason: str, count: int, *, status: int | None = None, transient: bool) -> None:
        """Note why events were retained or given up; the same cause is noted once."""
        for position, known in enumerate(self.errors):
            if (known.reason, known.status, known.transient) == (reason, status, transient):
                self.errors[position] = DeliveryError(
                    reason, count=known.count + count, status=status, transient=transient
                )
                return
        self.errors.append(DeliveryError(reason, count=count, status=status, transient=transient))

    def absorb(self, record: Ticket) -> None:
        """Add what was noted elsewhere of events that this flush is responsible for."""
        self.sent += record.sent
        self.quarantined += record.quarantined
        self.undelivered += record.undelivered
        self.requests += record.requests
        for error in record.errors:
            self.blame(error.reason, error.count, status=error.status, transient=error.transient)

    def finish(self, retained: int) -> None:
        """Let the caller go on.

        Args:
            retained: Events of the client now kept for a later flush.
        """
        if not self.finished:
            self.retained = retained
            self.finished = True
            self._latch.release()
            if self._on_finish is not None:
                self._on_finish()

    def when_finished(self, callback: Callable[[], object]) -> None:
        """Have a callback run on the sender that finishes it; set before it is handed over."""
        self._on_finish = callback

    def patience(self) -> float:
        """Return the seconds that the caller should still wait."""
        return max(0.0, self._until - time.monotonic())

    def wait(self) -> None:
        """Wait until it is finished or the deadline has come."""
        if not self.finished:
            self._latch.acquire(timeout=self.patience())

    def result(self, unsettled: int) -> FlushResult:
        """Return what is known.

        Args:
            unsettled: Events of the client that have no outcome yet, by its books. They count as retained, because
                they are, where no sender has finished the flush in time.
        """
        for buffer in self.closing:
            if isinstance(buffer.record, Ticket):
                self.absorb(buffer.record)
        elapsed = time.monotonic() - self._started
        retained = self.retained
        if not self.finished:
            retained = unsettled
            if retained:
                self.blame("out of time", retained, transient=True)
        return FlushResult(
            self.sent,
            self.quarantined,
            retained,
            self.undelivered,
            self.discarded,
            self.invalid,
            self.requests,
            elapsed,
            tuple(self.errors),
        )


def _take_count(buffer: Buffer, name: str) -> int:
    count: int = getattr(buffer, name)
    setattr(buffer, name, 0)
    return count
