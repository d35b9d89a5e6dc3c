"""The sender threads of one client: daemons that exist only while there is something to send."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.delivery.jobs import Job


def start_thread(target: Callable[[], object], name: str) -> int | None:
    """Start a daemon thread.

    Returns:
        The thread's identifier, or None where none can be started: at interpreter shutdown since Python 3.12, under
        Pyodide, out of threads.
    """
    thread = threading.Thread(target=target, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread.ident


class Sender:
    """A thread that runs one job after the other and reports each outcome.

    Args:
        report: Called on the thread with the sender, the job, and what the job returned or raised.
    """

    def __init__(self, report: Callable[[Sender, Job, Any], None]) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._report = report
        self._thread: int | None = None

    def start(self) -> bool:
        """Start the thread; return False where none can be started."""
        self._thread = start_thread(self._work, "formo-sender")
        return self._thread is not None

    @property
    def thread(self) -> int | None:
        """The identifier of the thread, once it runs."""
        return self._thread

    def give(self, job: Job) -> None:
        """Have it run a job."""
        self._jobs.put(job)

    def dismiss(self) -> None:
        """Have the thread end after the job it is at."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                outcome = run_guarded(job)
            except BaseException as error:  # noqa: BLE001 -- sys.exit() in a user's sink must not cost us the thread
                outcome = error
            self._report(self, job, outcome)


def run_guarded(job: Job) -> Any:
    """Run a job; return what it returns, or the exception it raises."""
    try:
        return job.run()
    except Exception as error:  # noqa: BLE001 -- a sender must not die of one job; the outbox books the events
        return error
