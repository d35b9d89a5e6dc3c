"""One invocation from its opening to its flush: what decorator, middleware and `with` statement have in common."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Literal

from formo_lambda.delivery import outbox as outboxes
from formo_lambda.delivery.flushing import Flush
from formo_lambda.delivery.outbox import Outbox
from formo_lambda.delivery.result import FlushResult
from formo_lambda.invocation import Buffer, Deadline, Owner, current_invocation, entered, open_invocation
from formo_lambda.options import DEADLINE_RESERVE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    OnException = Literal["send", "discard"] | Callable[[BaseException], bool]

logger = logging.getLogger("formo_lambda")


class Run:
    """An open invocation. Enter it around each step of the handler, then close it once.

    Args:
        on_exception: What becomes of the events of a handler that failed: "send", "discard", or a callable that is
            given the exception and says whether to send them.
        timeout: The most seconds that the flush at its end takes; None for each client's own `flush_timeout`.
        clients: The outboxes to flush at its end; None for those that were written to, and all with pending events.
        remaining: Asked for the seconds that the platform leaves the invocation; it answers None where it cannot say.
        idempotency_key: What the ids of its events are derived from, or None for random ids.

    Attributes:
        result: What the flush at its end said; None before, and for a nested scope.
    """

    def __init__(
        self,
        *,
        on_exception: OnException = "send",
        timeout: float | None = None,
        clients: Collection[Outbox] | None = None,
        remaining: Callable[[], float | None] = lambda: None,
        idempotency_key: str | None = None,
    ) -> None:
        self._closed = True
        self.result: FlushResult | None = None
        self._on_exception = on_exception
        self._sends_all = not callable(on_exception) and on_exception == "send"
        self._timeout = timeout
        self._clients = clients
        self._invocation = open_invocation(
            keeps_all=self._sends_all, remaining=remaining, idempotency_key=idempotency_key
        )
        self._closed = False
        #: Seconds that its flushes have taken so far: one budget for all of them.
        self._spent = 0.0
        self._entered: entered | None = None

    def step(self) -> entered:
        """Return a context manager under which code belongs to this invocation."""
        return entered(self._invocation)

    def close(self, error: BaseException | None = None) -> None:
        """End the invocation: flush what it has, or what its rule leaves of it.

        Args:
            error: What the handler raised, if it did.
        """
        flush = self._end(error)
        if flush is not None:
            self.result = flush.wait()

    async def close_async(self, error: BaseException | None = None) -> None:
        """End the invocation as `close` does, without occupying the event loop."""
        flush = self._end(error)
        if flush is not None:
            self.result = await flush.wait_async(error)

    def flush(self, *, failed: bool = False) -> None:
        """Flush what there is now and stay open: a response is about to be complete.

        Args:
            failed: Whether the response tells of a failure. Where the events of failed calls are not simply sent,
                they then wait for the end of the invocation, which knows the exception.
        """
        if self._may_flush(failed=failed):
            began = time.monotonic()
            try:
                self._flush_of(self._invocation.buffers, ended=False).wait()
            finally:
                self._spent += time.monotonic() - began

    async def flush_async(self, *, failed: bool = False) -> None:
        """Flush as `flush` does, without occupying the event loop."""
        if self._may_flush(failed=failed):
            began = time.monotonic()
            try:
                await self._flush_of(self._invocation.buffers, ended=False).wait_async()
            finally:
                self._spent += time.monotonic() - began

    def _may_flush(self, *, failed: bool) -> bool:
        # What is nested is flushed by the scope around it.
        return not (self._closed or self._invocation.nested or (failed and not self._sends_all))

    def _end(self, error: BaseException | None) -> Flush | None:
        if self._closed:
            return None
        self._closed = True
        # Also those whose events are discarded are flushed, if only for the result to say so.
        writers = list(self._invocation.buffers)
        buffers = self._invocation.close(keep=error is None or self._keeps(error))
        if not buffers and self._invocation.outer is not None:
            return None
        if not (buffers or writers or outboxes.awake or self._clients):
            self.result = FlushResult()
            return None
        return self._flush_of(buffers, writers, ended=True)

    def _flush_of(self, buffers: dict[Owner, Buffer], writers: Iterable[Owner] = (), *, ended: bool) -> Flush:
        flush = Flush(forced=False)
        mine = {owner: buffer for owner, buffer in list(buffers.items()) if isinstance(owner, Outbox)}
        wrote = {owner for owner in writers if isinstance(owner, Outbox)}
        targets = {*mine, *wrote, *outboxes.awake} if self._clients is None else set(self._clients)
        remaining: float | None = None
        asked = False
        for outbox in targets:
            buffer = mine.pop(outbox, None)
            if buffer is None and outbox not in wrote and outbox.rests():
                continue
            # Those that were emptied, into an outer one or by the user's rule, have a record of what left early still.
            emptied = [] if buffer is not None or not ended else [self._invocation.buffers.get(outbox)]
            scopes = [b for own in [buffer, *emptied] if own is not None for b in (own, *own.merged)]
            wanted = [*scopes, outbox.own]
            if not asked and outbox.pending(wanted, retained=False):
                remaining, asked = self._invocation.remaining(), True
            seconds = outbox.flush_timeout if self._timeout is None else self._timeout
            seconds = max(0.0, seconds - self._spent)
            if remaining is not None:
                seconds = min(seconds, max(0.0, remaining - DEADLINE_RESERVE))
            flush.add(outbox, wanted, Deadline.after(seconds), closing=scopes if ended else [])
        if ended:
            # Of clients that the user chose not to flush here: theirs leave by their own triggers.
            self._hand_over(mine)
        return flush

    def _hand_over(self, buffers: Mapping[Owner, Buffer] | Mapping[Outbox, Buffer]) -> None:
        """Move events to the own buffers of their clients."""
        for owner, buffer in list(buffers.items()):
            for event in buffer.pop_all():
                owner.own.append(event)
            owner.release_buffer(buffer)

    def _keeps(self, error: BaseException) -> bool:
        """Whether the events count although the handler raised this."""
        if isinstance(error, GeneratorExit) or (isinstance(error, SystemExit) and not error.code):
            return True  # Neither is a failure: a stream was closed, a process ended well.
        if callable(self._on_exception):
            try:
                return bool(self._on_exception(error))
            except Exception:
                logger.exception("on_exception raised; the events are sent")
                return True
        return self._sends_all

    def __del__(self) -> None:
        # Dropped without an end: a coroutine that nobody awaited, a body that a server forgot to close. It must not
        # stay the only open one for ever, and nobody may be kept waiting here: its events leave as late ones do.
        if not self._closed:
            self._closed = True
            self._hand_over(self._invocation.close(keep=True))

    # -- as a `with` statement of the user's -----------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._closed or self._entered is not None:
            raise RuntimeError("an invocation is entered once: call `invocation()` again for the next one")
        self._entered = self.step()
        self._entered.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave(kind, error, traceback)
        self.close(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave(kind, error, traceback)
        await self.close_async(error)

    def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._entered is not None:
            self._entered.__exit__(kind, error, traceback)
            self._entered = None


def flush_here(outbox: Outbox, timeout: float | None) -> Flush:
    """Return the flush that a user asks for by name: the current scopes' buffers, the client's own, what is retained.

    Args:
        outbox: The client's outbox.
        timeout: The most seconds it takes; None for the client's `flush_timeout`.
    """
    buffers = [outbox.own]
    scope = current_invocation()
    remaining = scope.remaining() if scope is not None else None
    while scope is not None:
        buffer = scope.buffers.get(outbox)
        if buffer is not None:
            buffers.append(buffer)
        scope = scope.outer
    seconds = outbox.flush_timeout if timeout is None else timeout
    if remaining is not None:
        seconds = min(seconds, max(0.0, remaining - DEADLINE_RESERVE))
    flush = Flush(forced=True)
    flush.add(outbox, buffers, Deadline.after(seconds))
    return flush
