"""Calls of users' code, made one at a time on a worker: a slow one delays no delivery."""

from __future__ import annotations

import threading
from collections import deque
from itertools import chain, starmap
from typing import TYPE_CHECKING

from formo_lambda.delivery.workers import workers
from formo_lambda.threads import get_ident

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Calls:
    """Calls that are still to be made, in order. A call raises nothing but an interrupt of the user's own.

    Args:
        lock: Guards them.
        limit: The most that may wait, by the sizes of the calls.

    Attributes:
        overdue: Whether a flush has waited for the running call in vain.
    """

    def __init__(self, lock: threading.RLock, limit: int) -> None:
        self._lock = lock
        self._limit = limit
        self._waiting: deque[tuple[Callable[[], object], int]] = deque()
        self._size = 0
        self._thread: int | None = None
        self._wakes: list[Callable[[], object]] = []
        self.overdue = False

    def add(self, call: Callable[[], object], size: int) -> bool:
        """Have a call made once `start` is called; return False where there is no room for it."""
        with self._lock:
            if not self.has_room(size):
                return False
            deque(self.adding(call, size), maxlen=0)
            return True

    def has_room(self, size: int) -> bool:
        """Whether there is room for a call; the lock is held."""
        return not self._waiting or self._size + size <= self._limit

    def adding(self, call: Callable[[], object], size: int) -> Iterable[object]:
        """Return an iterator of C that adds a call; the lock is held."""
        waits = map(self._waiting.append, [(call, size)])
        return chain(waits, starmap(setattr, [(self, "_size", self._size + size)]))

    def idle(self) -> bool:
        """Whether no call waits or runs. On the thread of the running call that one does not count."""
        thread = self._thread
        return thread == get_ident() or (thread is None and not self._waiting)

    def when_idle(self, wake: Callable[[], object]) -> None:
        """Have a function called once no call waits or runs any more."""
        with self._lock:
            if not self.idle():
                self._wakes.append(wake)
                return
        wake()

    def start(self) -> None:
        """See to it that what waits is called; no lock is held."""
        begun = False
        try:
            with self._lock:
                if not self._waiting or self._thread is not None:
                    return
                begun = True
                self._thread = 0  # set before the worker starts: it may end before `submit` returns
            if not workers.submit(self._run, group=self, limit=1):
                self._run()
        except BaseException:  # a signal handler raised it
            if begun and self._thread == 0:
                self._thread = None
            raise

    def _run(self) -> None:
        try:
            self._thread = get_ident()
            while (call := self._next()) is not None:
                call()
        except BaseException:
            self._thread = None
            raise

    def _next(self) -> Callable[[], object] | None:
        """Return the next call to make; where there is none, wake those who wait for that."""
        with self._lock:
            if self._waiting:
                call, size = self._waiting.popleft()
                self._size -= size
                return call
            self._thread = None
            self.overdue = False
            wakes, self._wakes = self._wakes, []
        for wake in wakes:
            wake()
        return None
