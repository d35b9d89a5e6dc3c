"""Flush the queues of some clients, and wait for that: on the caller's thread, or in an event loop."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from formo_lambda.clock import monotonic
from formo_lambda.constants import LOG_WAIT, PROBE_WAIT
from formo_lambda.delivery.log import log
from formo_lambda.delivery.loops import LoopLatch, running_loop
from formo_lambda.delivery.tally import Outcome, Tally
from formo_lambda.results import FlushResult
from formo_lambda.threads import Latch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from formo_lambda.delivery.buffer import Buffer
    from formo_lambda.delivery.deadline import Deadline
    from formo_lambda.delivery.places import Request
    from formo_lambda.delivery.queue import EventQueue


class _QueueFlush:
    """The flush of one queue.

    Args:
        queue: The queue.
        deadline: When the caller goes on, whatever happened.
        tally: Answers for what is sent.

    Attributes:
        until: When the wait ends, as far as is known.
        left: Whether it is not waited for any more, and goes on.
    """

    def __init__(self, queue: EventQueue, deadline: Deadline, tally: Tally) -> None:
        # A signal handler that interrupts a change of the queue keeps away from it.
        self._queue = queue.aside() if queue.busy_here() else queue
        self._tally = tally
        self._deadline = deadline
        self._started = monotonic()
        self._works = False
        self._probe: Request | None = None
        self._probing = False
        self.until = deadline
        self.left = False

    def begin(self, buffers: Sequence[Buffer], closing: Sequence[Buffer]) -> None:
        """Take what is to be sent out of its buffers.

        Args:
            buffers: What to send.
            closing: Those of the buffers whose scope has ended.
        """
        self._probe = self._queue.begin(self._tally, buffers, self._deadline, closing, self._started)
        if self._probe is not None:
            self._probing = True
            self.until = self._deadline.earlier(PROBE_WAIT)

    def start(self, wake: Callable[[], object], *, works: bool) -> bool:
        """Have the caller woken when there is news.

        Args:
            wake: Called then.
            works: Whether the caller is ready to send by itself.

        Returns:
            Whether others will send what it does not; where no worker can be started, it has to be the caller.
        """
        self._tally.wake = wake
        self._works = works and self._queue.background.bounded
        if self._probe is not None:
            self._queue.background.send_probe(self._queue, self._probe)
        if self._works or not self._tally.waiting or self._queue.call_next():
            return True
        self._works = True
        return False

    def work(self, latch: Latch, share: float) -> None:
        """Send on this thread what is this flush's, and wait for what others send, until the deadline.

        Args:
            latch: What the flush was started with.
            share: The part of the time left that it may take.
        """
        self.until = self.until.earlier(self.until.remaining() * share) if share < 1 else self.until
        while self.goes_on():
            if not (self._works and self._queue.background.send_next(self._queue, self._tally, self.until)):
                latch.wait(self.until.remaining())

    def goes_on(self) -> bool:
        """Whether there is something to wait for, and time."""
        if self._probing and not self._tally.outstanding and self._queue.breaker.until is None:
            # The probe found the server well: what is retained goes out within the time of this flush.
            self._probing = False
            self.until = self._deadline
            self._queue.resume(self._tally, self._deadline)
            if not self._works:
                self._queue.call_next()
        return self.needed and self.until.remaining() > 0

    @property
    def needed(self) -> bool:
        """Whether there is anything to wait for."""
        return self._tally.outstanding > 0 or self._awaits_callbacks()

    def leave(self) -> None:
        """Stop waiting: what is under way and what waits is sent without this flush."""
        self._tally.finished = self.left = True

    def finish(self) -> FlushResult:
        """End the flush, and return what it says."""
        queue, tally = self._queue, self._tally
        queue.finish(tally, self._deadline, monotonic())
        if self._probing and queue.breaker.until is None:
            queue.background.send_retained(queue)
        if self._awaits_callbacks():
            queue.callbacks.overdue = True
        result = tally.result(monotonic() - self._started)
        for error in result.errors:
            if error.transient:
                queue.report.kept(Outcome(error.reason, error.status, transient=True), error.count)
        # The platform may freeze the process before there is more to say.
        queue.background.tell(queue, at_once=queue.background.serverless)
        return result

    def _awaits_callbacks(self) -> bool:
        """Whether `on_undelivered` is still called, or to be called, with events that this flush is to wait for."""
        callbacks, tally = self._queue.callbacks, self._tally
        if callbacks.idle() or not (tally.explicit or (tally.undelivered and not callbacks.overdue)):
            return False
        if tally.wake is not None:
            callbacks.when_idle(tally.wake)
        return True


class Flush:
    """The flush of some clients' queues side by side.

    Args:
        explicit: Whether the user asked for it.
    """

    def __init__(self, *, explicit: bool) -> None:
        self._explicit = explicit
        self._flushes: list[_QueueFlush] = []

    def add(
        self, queue: EventQueue, buffers: Sequence[Buffer], deadline: Deadline, closing: Sequence[Buffer] = ()
    ) -> None:
        """Begin with one queue: what is to be sent leaves the buffers.

        Args:
            queue: The queue.
            buffers: What to send of it.
            deadline: When the caller goes on, whatever happened.
            closing: Those of the buffers whose scope has ended.
        """
        ended = closing[0].tally if closing else None
        tally = ended if ended is not None and ended.open else Tally(explicit=self._explicit)
        flush = _QueueFlush(queue, deadline, tally)
        self._flushes.append(flush)  # before it begins: an exception of a signal handler must not leave it behind
        flush.begin(buffers, closing)

    def wait(self) -> FlushResult:
        """Send, wait for the outcome on this thread, and return it."""
        flushes = [flush for flush in self._flushes if flush.needed]
        if flushes:
            self._work(flushes)
        result = self._conclude()
        log.wait(LOG_WAIT)
        return result

    def _work(self, flushes: list[_QueueFlush]) -> None:
        """Send on this thread; of several queues, those after the first on workers, where there are any."""
        latch = Latch()
        try:
            beside = [flush.start(latch, works=position == 0) for position, flush in enumerate(flushes)]
            for position, flush in enumerate(flushes):
                flush.work(latch, 1.0 if all(beside) else 1.0 / (len(flushes) - position))
        except BaseException:
            self.give_up()
            raise

    def give_up(self) -> None:
        """End all flushes because of an exception that a signal handler raised; those that were left go on."""
        for flush in self._flushes:
            if not flush.left:
                flush.finish()

    async def wait_async(self) -> FlushResult:
        """Have workers send, await the outcome without occupying the event loop, and return it.

        A cancellation ends the wait: what it waited for is sent without it.
        """
        flushes = [flush for flush in self._flushes if flush.needed]
        loop = running_loop() if flushes else None
        if loop is None:  # nothing to wait for, or another kind of event loop: bounded all the same
            return self.wait()
        latch = LoopLatch(loop)
        if False in [flush.start(latch, works=False) for flush in flushes]:
            self._work(flushes)  # no worker can be started
            return self._conclude()
        try:
            for flush in flushes:
                while flush.goes_on():
                    await latch.wait(flush.until.remaining())
        except BaseException:
            for flush in flushes:
                flush.leave()
            raise
        result = self._conclude()
        if not log.lines.idle():
            log.lines.when_idle(latch)
            await latch.wait(LOG_WAIT)
        return result

    def _conclude(self) -> FlushResult:
        result = combine(flush.finish() for flush in self._flushes)
        if result.requests or not result.ok:
            log.write(logging.DEBUG, _summary(result), result._replace(errors=())._asdict())
        return result


def combine(results: Iterable[FlushResult]) -> FlushResult:
    """Return the sum of results of flushes that ran side by side."""
    many = list(results)
    if len(many) == 1:
        return many[0]
    return FlushResult(
        sent=sum(r.sent for r in many),
        quarantined=sum(r.quarantined for r in many),
        retained=sum(r.retained for r in many),
        undelivered=sum(r.undelivered for r in many),
        discarded=sum(r.discarded for r in many),
        invalid=sum(r.invalid for r in many),
        requests=sum(r.requests for r in many),
        elapsed=max((r.elapsed for r in many), default=0.0),
        errors=tuple(error for r in many for error in r.errors),
    )


def _summary(result: FlushResult) -> str:
    return (
        f"flush: {result.sent} events sent, {result.retained} retained, {result.undelivered} undelivered "
        f"in {result.elapsed:.3f} s ({result.requests} requests)"
    )
