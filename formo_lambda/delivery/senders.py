"""The sender threads of one client: daemons that exist only while there is something to send."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.delivery.jobs import Job


def start_thread(target: Callable[[], object], name: str) -> bool:
    """Start a daemon thread.

    Returns:
        False where none can be started: at interpreter shutdown since Python 3.12, under Pyodide, out of threads.
    """
    try:
        threading.Thread(target=target, name=name, daemon=True).start()
    except RuntimeError:
        return False
    return True


class Sender:
    """A thread that runs one job after the other and reports each outcome.

    Args:
        report: Called on the thread with the sender, the job, and what the job returned or raised.
    """

    def __init__(self, report: Callable[[Sender, Job, Any], None]) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._report = report

    def start(self) -> bool:
        """Start the thread; return False where none can be started."""
        return start_thread(self._work, "formo-sender")

    def give(self, job: Job) -> None:
        """Have it run a job."""
        self._jobs.put(job)

    def dismiss(self) -> None:
        """Have the thread end after the job it is at."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._report(self, job, run_guarded(job))


def run_guarded(job: Job) -> Any:
    """Run a job; return what it returns, or the exception it raises."""
    try:
        return job.run()
    except Exception as error:  # noqa: BLE001 -- a sender must not die of one job; the outbox books the events
        return error
