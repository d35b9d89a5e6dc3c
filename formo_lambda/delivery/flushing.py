"""Flush outboxes and wait for them: blocking or awaiting, one or many, never past the deadline."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from formo_lambda.delivery.result import FlushResult
from formo_lambda.delivery.ticket import Ticket

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable, Sequence

    from formo_lambda.delivery.outbox import Outbox
    from formo_lambda.invocation import Buffer, Deadline

logger = logging.getLogger("formo_lambda")


class Flush:
    """The flush of some outboxes side by side, waited for in either way.

    Args:
        forced: Whether the caller asked for it by name.
    """

    def __init__(self, *, forced: bool) -> None:
        self._forced = forced
        self._tickets: list[tuple[Outbox, Ticket]] = []

    def add(
        self, outbox: Outbox, buffers: Sequence[Buffer], deadline: Deadline, closing: Sequence[Buffer] = ()
    ) -> None:
        """Take one outbox in.

        Args:
            outbox: The outbox.
            buffers: What to send of it.
            deadline: When the caller goes on, whatever happened.
            closing: Those of the buffers that end with this flush.
        """
        ticket = Ticket(buffers, deadline, forced=self._forced, closing=closing)
        if not outbox.pending(buffers, retained=self._forced):
            ticket.finish(0)
            for buffer in closing:
                outbox.release_buffer(buffer)
        self._tickets.append((outbox, ticket))

    def wait(self) -> FlushResult:
        """Send, wait for the outcome on this thread, and return it."""
        for outbox, ticket in self._tickets:
            if not ticket.finished:
                outbox.submit(ticket)
        for _, ticket in self._tickets:
            ticket.wait()
        return self._conclude()

    async def wait_async(self, error: BaseException | None = None) -> FlushResult:
        """Send, await the outcome without occupying the event loop, and return it.

        Args:
            error: What ended the invocation, if it failed. Where that is a cancellation, a further one does not end the
                wait, which is bounded: the caller is going to raise the first, and events would be left behind.
        """
        if all(ticket.finished for _, ticket in self._tickets):
            return self._conclude()
        import asyncio  # noqa: PLC0415 -- only where an event loop runs already

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # another kind of event loop: bounded all the same
            return self.wait()
        finished = asyncio.Event()
        timer = loop.call_later(self._submit_all(loop, finished.set), finished.set)
        try:
            while not finished.is_set():
                try:
                    await finished.wait()
                except asyncio.CancelledError:
                    if not isinstance(error, asyncio.CancelledError):
                        raise
        finally:
            timer.cancel()
        return self._conclude()

    def _submit_all(self, loop: AbstractEventLoop, on_finished: Callable[[], object]) -> float:
        """Send, and have the loop call back when all is done; return the seconds to wait for that at most."""

        def check() -> None:
            if all(ticket.finished for _, ticket in self._tickets):
                on_finished()

        def tell() -> None:
            try:
                loop.call_soon_threadsafe(check)
            except RuntimeError:  # the loop has been closed meanwhile; nobody waits
                pass

        patience = 0.0
        for outbox, ticket in self._tickets:
            if not ticket.finished:
                ticket.when_finished(tell)
                outbox.submit(ticket)
                patience = max(patience, ticket.patience())
        return patience

    def _conclude(self) -> FlushResult:
        if not self._tickets:
            return FlushResult()
        result = combine(
            ticket.result(unsettled=0 if ticket.finished else outbox.unsettled(ticket.buffers))
            for outbox, ticket in self._tickets
        )
        report(result)
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


def report(result: FlushResult) -> None:
    """Log one line for a flush: DEBUG if all is well, else WARNING, or ERROR where the write key was refused."""
    if result.ok:
        if result.requests:
            logger.debug("flushed %d events in %.3f s (%d requests)", result.sent, result.elapsed, result.requests)
        return
    refused = any(error.status in (401, 403) for error in result.errors)
    logger.log(
        logging.ERROR if refused else logging.WARNING,
        "flush: %d events sent (%d of them quarantined), %d retained, %d given up: %s",
        result.sent,
        result.quarantined,
        result.retained,
        result.undelivered,
        "; ".join(str(error) for error in result.errors)
        or ("kept for a later flush" if result.retained else "quarantined by the server"),
    )
