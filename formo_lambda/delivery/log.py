"""The log lines of deliveries. They are written on a worker: a slow or hanging log handler stalls no flush."""

from __future__ import annotations

import logging
import sys
import threading
from contextvars import copy_context
from typing import TYPE_CHECKING

from formo_lambda import forks
from formo_lambda.constants import LOG_BACKLOG
from formo_lambda.delivery.calls import Calls
from formo_lambda.signals import raised_by_signal_handler
from formo_lambda.threads import Latch

if TYPE_CHECKING:
    import weakref
    from collections.abc import Mapping

logger = logging.getLogger("formo_lambda")


class Log:
    """The lines of the process that are still to be written."""

    def __init__(self) -> None:
        self._start_over()
        forks.in_child.append(self._start_over)

    def _start_over(self) -> None:
        self.lines = Calls(threading.RLock(), LOG_BACKLOG)

    def write(self, level: int, text: str, counts: Mapping[str, object] | None = None) -> None:
        """Have a line written.

        Args:
            level: Its level.
            text: What it says.
            counts: What JSON loggers find in the record's attribute `formo`.
        """
        if logger.isEnabledFor(level):
            context = copy_context()  # by which loggers tell one request from another
            self.lines.add(lambda: context.run(_write, level, text, counts or {}), 1)
            self.lines.start()

    def wait(self, seconds: float) -> None:
        """Wait until all lines are written; not where somebody has waited in vain for the same line."""
        if not (self.lines.idle() or self.lines.overdue):
            latch = Latch()
            self.lines.when_idle(latch)
            self.lines.overdue = not latch.wait(seconds)

    def abandon(self) -> None:
        """Have Python's own end of logging not wait for a handler that hangs with a line of ours."""
        if self.lines.idle():
            return
        handlers: list[weakref.ref[logging.Handler]] = logging._handlerList  # type: ignore[attr-defined] # noqa: SLF001 -- what logging.shutdown() goes through
        for reference in list(handlers):
            lock = getattr(reference(), "lock", None)
            if lock is None:
                continue
            if lock.acquire(blocking=False):
                lock.release()
            else:
                handlers.remove(reference)


def _write(level: int, text: str, counts: Mapping[str, object]) -> None:
    handled = sys.exc_info()[1]
    try:
        logger.log(level, "%s", text, extra={"formo": dict(counts)})
    except Exception as error:  # a handler of the user's raised it: another line would end in the same way
        if raised_by_signal_handler(error, handled):
            raise


#: The log lines of this process.
log = Log()
