"""Hands undelivered events to the user's `on_undelivered`, one call at a time, beside every delivery."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from formo_lambda.constants import CALLBACK_BACKLOG
from formo_lambda.delivery import batch
from formo_lambda.delivery.workers import workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.errors import DeliveryError

    OnUndelivered = Callable[[list[dict[str, Any]], Exception], object]

logger = logging.getLogger("formo_lambda")


class Callbacks:
    """The calls of one client's `on_undelivered` that are still to be made.

    Args:
        callback: The user's function; None where there is none, then nothing is kept for it.
        lock: Guards the calls that wait.
    """

    def __init__(self, callback: OnUndelivered | None, lock: threading.RLock) -> None:
        self._callback = callback
        self._lock = lock
        self._waiting: deque[tuple[list[bytes], DeliveryError]] = deque()
        self._size = 0
        self._skipped = 0
        self._thread: int | None = None
        self._wakes: list[Callable[[], object]] = []
        #: Whether a flush has waited for the running call in vain.
        self.overdue = False

    def add(self, events: list[bytes], error: DeliveryError) -> None:
        """Take events that nobody will send; the lock is held. What there is no room for is only logged."""
        if self._callback is None:
            return
        size = sum(map(len, events))
        if self._waiting and self._size + size > CALLBACK_BACKLOG:
            self._skipped += len(events)
            return
        self._waiting.append((events, error))
        self._size += size

    def idle(self) -> bool:
        """Whether no call waits or runs. On the thread of the running call that one does not count."""
        thread = self._thread
        return thread == threading.get_ident() or (thread is None and not self._waiting)

    def when_idle(self, wake: Callable[[], object]) -> None:
        """Have a function called once no call waits or runs any more."""
        with self._lock:
            if not self.idle():
                self._wakes.append(wake)
                return
        wake()

    def start(self) -> None:
        """See to it that what waits is called; no lock is held."""
        with self._lock:
            skipped, self._skipped = self._skipped, 0
            needed = bool(self._waiting) and self._thread is None
            if needed:
                self._thread = 0  # set before the worker starts: it may end before `submit` returns
        if skipped:
            logger.error("%d undelivered events were not handed to on_undelivered, which is too slow", skipped)
        if not needed:
            return
        try:
            on_worker = workers.submit(self._run, group=self, limit=1)
        except BaseException:
            self._thread = None
            raise
        if not on_worker:
            self._run()

    def _run(self) -> None:
        """Make the calls that wait; what a call raises is logged, because nobody else would see it."""
        self._thread = threading.get_ident()
        try:
            while (call := self._next()) is not None:
                events, error = call
                try:
                    self._callback(batch.as_dicts(events, time.time()), error)  # type: ignore[misc] # not None here
                except (Exception, SystemExit):
                    logger.exception("on_undelivered raised; %d events were given up", len(events))
                except KeyboardInterrupt:
                    if threading.current_thread() is threading.main_thread():
                        raise  # the user's own, while no worker could be started
                    logger.exception("on_undelivered raised; %d events were given up", len(events))
        except BaseException:
            self._thread = None
            raise

    def _next(self) -> tuple[list[bytes], DeliveryError] | None:
        """Return the next call to make; where there is none, wake those who wait for that."""
        with self._lock:
            if self._waiting:
                events, error = self._waiting.popleft()
                self._size -= sum(map(len, events))
                return events, error
            self._thread = None
            self.overdue = False
            wakes, self._wakes = self._wakes, []
        for wake in wakes:
            wake()
        return None
