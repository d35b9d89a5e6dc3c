"""One invocation from its opening to its flush: what decorator, middleware and `with` statement have in common."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection
from types import TracebackType
from typing import TYPE_CHECKING

from formo_lambda import forks
from formo_lambda.clock import monotonic
from formo_lambda.constants import DEADLINE_RESERVE
from formo_lambda.delivery import queue as queues
from formo_lambda.delivery.deadline import Deadline
from formo_lambda.delivery.flush import Flush
from formo_lambda.delivery.queue import EventQueue
from formo_lambda.invocation.scope import current_scope, inside, is_inside, open_scope
from formo_lambda.options import OnException
from formo_lambda.results import FlushResult
from formo_lambda.signals import raised_by_signal_handler
from formo_lambda.transport.protocol import is_from_outside

if TYPE_CHECKING:
    import typing_extensions

    from formo_lambda.delivery.buffer import Buffer
else:
    from formo_lambda.lazy import typing_extensions

logger = logging.getLogger("formo_lambda")


class _Harmless:
    """Keeps a fault of the library from the handler. What was raised into the thread from outside passes."""

    def __enter__(self) -> None:
        self._handled = sys.exc_info()[1]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or is_from_outside(error, self._handled):
            return False
        logger.error("formo_lambda: a fault of the library itself; please report it", exc_info=error)
        return True


class Invocation:
    """An open invocation. Enter it around each step of the handler, then close it once.

    Args:
        on_exception: What becomes of the events of a handler that failed: "send", "discard", or a callable that is
            given the exception and says whether to send them.
        timeout: The most seconds that the flush at its end takes; None for each client's own `flush_timeout`.
        clients: The queues to flush at its end; None for those that were written to, and all with pending events.
        remaining: Asked for the seconds that the platform leaves the invocation; it answers None where it cannot say.
        idempotency_key: What the ids of its events are derived from, or None for random ids.

    Attributes:
        result: What the flush at its end said; None before, and for a nested scope.
    """

    _closed = True

    def __init__(
        self,
        *,
        on_exception: OnException = "send",
        timeout: float | None = None,
        clients: Collection[EventQueue] | None = None,
        remaining: Callable[[], float | None] = lambda: None,
        idempotency_key: str | None = None,
    ) -> None:
        self.result: FlushResult | None = None
        self._on_exception = on_exception
        self._sends_all = not callable(on_exception) and on_exception == "send"
        self._timeout = timeout
        self._clients = clients
        self._scope = open_scope(keeps_all=self._sends_all, remaining=remaining, idempotency_key=idempotency_key)
        self._closed = False
        #: Seconds that its flushes have taken so far: one budget for all of them.
        self._spent = 0.0
        self._entered: inside | None = None

    def step(self) -> inside:
        """Return a context manager under which code belongs to this invocation."""
        return inside(self._scope)

    def close(self, error: BaseException | None = None) -> None:
        """End the invocation: flush what it has, or what its rule leaves of it.

        Args:
            error: What the handler raised, if it did.
        """
        flush = Flush(explicit=False)
        try:
            with _Harmless():
                if self._end(flush, error):
                    self.result = flush.wait()
        except BaseException:
            self._leave_behind(flush, error)
            raise

    async def close_async(self, error: BaseException | None = None) -> None:
        """End the invocation as `close` does, without occupying the event loop.

        Args:
            error: What the handler raised, if it did. GeneratorExit: a coroutine is closed, and can await nothing.
        """
        if isinstance(error, GeneratorExit):
            self.hand_over()
            return
        flush = Flush(explicit=False)
        try:
            with _Harmless():
                if self._end(flush, error):
                    self.result = await flush.wait_async()
        except BaseException as raised:
            self._leave_behind(flush, error)
            # Of a task that is cancelled again, as anyio does at each step, the caller raises the first cancellation.
            if isinstance(raised, Exception) or type(raised) is not type(error):
                raise

    def flush(self, *, failed: bool = False) -> None:
        """Flush what there is now and stay open: a response is about to be complete.

        Args:
            failed: Whether the response tells of a failure. Where the events of failed calls are not simply sent,
                they then wait for the end of the invocation, which knows the exception.
        """
        if self._may_flush(failed=failed):
            began = monotonic()
            try:
                with _Harmless():
                    self._begin(Flush(explicit=False), self._scope.buffers, ended=False).wait()
            finally:
                self._spent += monotonic() - began

    async def flush_async(self, *, failed: bool = False) -> None:
        """Flush as `flush` does, without occupying the event loop."""
        if self._may_flush(failed=failed):
            began = monotonic()
            try:
                with _Harmless():
                    await self._begin(Flush(explicit=False), self._scope.buffers, ended=False).wait_async()
            finally:
                self._spent += monotonic() - began

    def _may_flush(self, *, failed: bool) -> bool:
        # What is nested is flushed by the scope around it.
        return not (self._closed or self._scope.nested or (failed and not self._sends_all))

    def _end(self, flush: Flush, error: BaseException | None) -> bool:
        """Close the scope, and begin the flush of what it has; return whether there is any to wait for."""
        if self._closed:
            return False
        self._closed = True
        nested = self._scope.nested
        buffers = self._scope.close(keep=error is None or self._keeps(error))
        if nested:
            return False
        if not (buffers or queues.pending or self._clients):
            self.result = FlushResult()
            return False
        self._begin(flush, buffers, ended=True)
        return True

    def _begin(self, flush: Flush, buffers: dict[EventQueue, Buffer], *, ended: bool) -> Flush:
        """Begin the flush of the clients that were written to, or chosen, and of others with pending events."""
        forks.check()
        buffers = dict(buffers)
        deadline: Deadline | None = None
        for queue in [*buffers, *queues.pending] if self._clients is None else self._clients:
            buffer = buffers.pop(queue, None)
            if buffer is None and not queue.has_own():
                continue
            if deadline is None or self._timeout is None:
                deadline = self._deadline(queue)
            mine = [] if buffer is None else [buffer]
            flush.add(queue, [*mine, queue.own], deadline, closing=mine if ended else [])
        if ended:
            # Of clients that the user chose not to flush here: theirs leave by their own triggers.
            _hand_over(buffers)
        return flush

    def _deadline(self, queue: EventQueue) -> Deadline:
        seconds = queue.options.flush_timeout if self._timeout is None else self._timeout
        remaining = self._scope.remaining()
        if remaining is not None:
            seconds = min(seconds, remaining - DEADLINE_RESERVE)
        return Deadline.after(max(0.0, seconds - self._spent))

    def _keeps(self, error: BaseException) -> bool:
        """Whether the events count although the handler raised this."""
        if isinstance(error, GeneratorExit) or (isinstance(error, SystemExit) and not error.code):
            return True  # Neither is a failure: a stream was closed, a process ended well.
        if callable(self._on_exception):
            # Asked once: if an exception that passes ends the call, the events are sent.
            rule, self._on_exception = self._on_exception, "send"
            try:
                self._on_exception = "send" if rule(error) else "discard"
            except Exception as raised:
                if raised_by_signal_handler(raised, error):
                    raise
                logger.exception("on_exception raised; the events are sent")
        return self._on_exception == "send"

    def hand_over(self) -> None:
        """End the invocation where nobody may be kept waiting: its events leave as those tracked outside any do."""
        if not self._closed:
            self._closed = True
            _hand_over(self._scope.close(keep=True))

    def _leave_behind(self, flush: Flush, error: BaseException | None) -> None:
        """Have what was not flushed sent later, because an exception of a signal handler came in between."""
        flush.give_up()
        self._scope.close(keep=error is None or self._keeps(error))
        _hand_over(self._scope.buffers)

    def __del__(self) -> None:
        # Dropped without an end: a coroutine that nobody awaited, a body that a server forgot to close. It must not
        # stay the only open one for ever.
        self.hand_over()

    # -- as a `with` statement of the user's -----------------------------------------------------------------------

    def __enter__(self) -> typing_extensions.Self:
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

    async def __aenter__(self) -> typing_extensions.Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave(kind, error, traceback)
        if isinstance(error, GeneratorExit) and sys._getframe(1).f_code.co_flags & 0x200:  # noqa: SLF001 -- Python's own
            error = None  # An asynchronous generator (inspect.CO_ASYNC_GENERATOR) can await while it is closed.
        await self.close_async(error)

    def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._entered is not None:
            self._entered.__exit__(kind, error, traceback)
            self._entered = None


def _hand_over(buffers: dict[EventQueue, Buffer]) -> None:
    """Move events to the own buffers of their clients."""
    for queue, buffer in list(buffers.items()):
        queue.join(buffer, queue.own)


def flush_here(queue: EventQueue, timeout: float | None) -> Flush:
    """Begin the flush that a user asks for: the current scopes' buffers, the client's own, what is retained.

    Args:
        queue: The client's queue.
        timeout: The most seconds it takes; None for the client's `flush_timeout`.
    """
    forks.check()
    buffers = [queue.own]
    scope = current_scope()
    if scope is not None and not scope.early and not is_inside(scope):
        # The only open invocation is another thread's, and may still drop its events.
        scope = None
    remaining = scope.remaining() if scope is not None else None
    while scope is not None:
        buffer = scope.buffers.get(queue)
        if buffer is not None:
            buffers.append(buffer)
        scope = scope.outer
    seconds = queue.options.flush_timeout if timeout is None else timeout
    if remaining is not None:
        seconds = min(seconds, max(0.0, remaining - DEADLINE_RESERVE))
    flush = Flush(explicit=True)
    flush.add(queue, buffers, Deadline.after(seconds))
    return flush
