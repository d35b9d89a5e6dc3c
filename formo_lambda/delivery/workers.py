"""Short-lived threads of the process, for what must run beside the caller."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

from formo_lambda import forks
from formo_lambda.constants import LOCK_WAIT, MAX_REQUESTS, WORKER_IDLE
from formo_lambda.threads import Latch, get_ident, home, start_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    Task = Callable[[], object]

logger = logging.getLogger("formo_lambda")


class _Worker:
    """One thread, and what it is given to do.

    Args:
        given: One task and its group. Popped by the one who runs it, or takes it back.
    """

    __slots__ = ("given", "home", "latch")

    def __init__(self, given: list[tuple[Task, Hashable]]) -> None:
        self.home = home()
        self.latch = Latch()
        self.given = given


class Workers:
    """The workers of the process.

    Tasks belong to groups. Of each group a few run at a time, and the others wait for their turn.
    """

    def __init__(self) -> None:
        self._start_over()
        forks.in_child.append(self._start_over)
        #: Runs a task on a thread that lives already, where none can be started; returns False where there is none.
        self.spare: Callable[[Task], bool] = lambda _: False

    def _start_over(self) -> None:
        # Reentrant, because a signal handler may submit a task on top of a frame that does.
        self._lock = threading.RLock()
        self._idle: list[_Worker] = []
        self._running: dict[Hashable, int] = {}
        self._backlog: dict[Hashable, deque[Task]] = {}
        self._threads: set[int] = set()

    def submit(self, task: Task, group: Hashable, limit: int = MAX_REQUESTS) -> bool:
        """Have a task run on a worker.

        Args:
            task: What to run. What it raises is logged.
            group: The group it belongs to.
            limit: How many of the group run at a time.

        Returns:
            False where no thread can be started; then nothing will run.
        """
        if self._lock._is_owned():  # type: ignore[attr-defined] # noqa: SLF001 -- as threading.Condition asks it
            return False  # A signal handler or a finalizer on top of this very code: the caller does without.
        if sys.is_finalizing() or not self._is_free():
            return False  # The interpreter lets no other thread run any more, those that wait for a task included.
        given = [(task, group)]
        counted = False
        try:
            with self._lock:
                running = self._running.get(group, 0)
                if running >= limit:
                    self._backlog.setdefault(group, deque()).append(task)
                    return True
                counted = True
                self._running[group] = running + 1
                here = home()
                worker = next((idle for idle in self._idle if idle.home == here), None)
                if worker is not None:
                    self._idle.remove(worker)
                    worker.given = given
                    worker.latch()
                    return True
            worker = _Worker(given)
            if start_thread(lambda: self._work(worker), "formo-worker") or self.spare(lambda: self._take(given)):
                return True
        except BaseException:  # A signal handler raised it: a thread may have started, or not.
            if counted:
                self._take_back(given)
            raise
        return not self._take_back(given)

    def _is_free(self) -> bool:
        """Whether the lock can be had soon: a signal handler on top of whoever holds it may wait for this thread."""
        # Not on the main thread: what a signal handler raises there could leave the lock locked.
        if threading.current_thread() is threading.main_thread():
            return True
        if not self._lock.acquire(timeout=LOCK_WAIT):
            return False
        self._lock.release()
        return True

    def submit_for_caller(self, task: Task, group: Hashable) -> bool:
        """Have a task run on a worker that a caller can abandon; return False on a worker, which needs no other."""
        return get_ident() not in self._threads and self.submit(task, group)

    def dismiss(self) -> None:
        """End the workers that have nothing to do."""
        with self._lock:
            while self._idle:
                self._idle.pop().latch()

    def _take_back(self, given: list[tuple[Task, Hashable]]) -> bool:
        """Take back what nobody runs yet, and run what waits for its turn after it: that was promised."""
        try:
            _, group = given.pop()
        except IndexError:
            return False
        with self._lock:
            following = self._end_one(group)
        self._run_in_turn(following, group)
        return True

    def _take(self, given: list[tuple[Task, Hashable]], worker: _Worker | None = None) -> bool:
        """Run what was given, if nobody else does, and what waits for its turn; then the worker is idle."""
        try:
            task, group = given.pop()
        except IndexError:
            return False
        self._run_in_turn(task, group, worker)
        return True

    def _run_in_turn(self, task: Task | None, group: Hashable, worker: _Worker | None = None) -> None:
        while task is not None:
            _run(task)
            with self._lock:
                task = self._end_one(group)
                if task is None and worker is not None:
                    self._idle.append(worker)

    def _end_one(self, group: Hashable) -> Task | None:
        """Count one task of a group less; return the next of the group, if one waits."""
        waiting = self._backlog.get(group)
        if waiting:
            return waiting.popleft()
        self._backlog.pop(group, None)
        running = self._running.pop(group, 0) - 1
        if running > 0:  # not in a child that a task has forked
            self._running[group] = running
        return None

    def _work(self, worker: _Worker) -> None:
        """Run what the worker is given until nothing comes for a while."""
        me, threads = get_ident(), self._threads
        threads.add(me)
        while self._take(worker.given, worker):
            # A call may be of a task that was taken just before the wait: then nothing is given, too.
            worker.latch.wait(WORKER_IDLE)
            with self._lock:
                if worker in self._idle:  # else it has been given something just now
                    self._idle.remove(worker)
        threads.discard(me)


def _run(task: Task) -> None:
    try:
        task()
    except BaseException:
        # sys.exit() in a user's code must not cost us the thread.
        logger.exception("formo_lambda: a task failed; please report it")


#: The workers of this process: threads belong to it, not to a client.
workers = Workers()
