"""The ways a process ends or doubles: interpreter exit, SIGTERM, fork, snapshot."""

from __future__ import annotations

import atexit
import functools
import importlib
import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NoReturn

from formo_lambda import forks
from formo_lambda.clock import monotonic
from formo_lambda.constants import EXIT_BUDGET, EXIT_GRACE, HAND_OVER_SHARE, TELL_SHARE
from formo_lambda.delivery import queue as queues
from formo_lambda.delivery.deadline import Deadline
from formo_lambda.delivery.flush import Flush
from formo_lambda.delivery.log import log
from formo_lambda.delivery.workers import workers
from formo_lambda.threads import Latch, start_thread
from formo_lambda.transport.pool import close_idle

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

logger = logging.getLogger("formo_lambda")

# Module state, because a process has one exit, one SIGTERM and one fork: it is what the interpreter keeps of us.
_registered = False
_signal_budget: float | None = None
_installed = False
#: What SIGTERM does without us.
_action: Any = signal.SIG_DFL
_finalizes = False
_exit_left = EXIT_BUDGET
_exited = False
_terminating = False


def register(signal_budget: float | None) -> None:
    """Have the process flush before it ends; called when a client is made.

    Args:
        signal_budget: Seconds that SIGTERM gets, or None where the client does not want it handled.
    """
    global _registered, _signal_budget  # noqa: PLW0603 -- see above
    if not _registered:
        _registered = True
        atexit.register(_flush_at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=forks.check)
        _register_snapshot_hooks()
    if signal_budget is not None and not forks.is_uwsgi():
        _signal_budget = signal_budget
        _install()


def on_first_event() -> None:
    """Make sure of what a fork takes away, or what was not there before; called when there is something to deliver."""
    global _finalizes  # noqa: PLW0603 -- see above
    if _exited:
        # An exit callback that runs after ours has tracked it: nothing else comes that would send it.
        _flush_at_exit()
        return
    if not _installed and _signal_budget is not None:
        _install()
    if not _finalizes:
        _finalizes = _hook_pools()


def _hook_pools() -> bool:
    """Have the children of process pools flush, too: they end with os._exit, and run no atexit callbacks.

    Returns:
        Whether there was anything to hook.
    """
    # A module that another thread is about to load lacks what it will have: the next first event finds it.
    finalizer = getattr(sys.modules.get("multiprocessing.util"), "Finalize", None)
    if finalizer is not None:
        finalizer(None, _flush_at_exit, exitpriority=0)
    # Celery's own pool runs no finalizers either, but tells of the end of each process.
    shutdown = getattr(sys.modules.get("celery.signals"), "worker_process_shutdown", None)
    if shutdown is not None:
        shutdown.connect(_flush_at_worker_exit, weak=False)
    # RQ runs each job in a process that says nothing of its end, and ends by this call.
    rq = "RQ_JOB_ID" in os.environ and "rq" in sys.modules
    if rq:
        os._exit = functools.partial(_flush_and_leave, os._exit)
    return finalizer is not None or shutdown is not None or rq


def _flush_at_worker_exit(**_: Any) -> None:
    _flush_at_exit()


def _flush_and_leave(leave: Callable[[int], NoReturn], status: int) -> NoReturn:
    _flush_at_exit()
    leave(status)


def flush_everything(budget: float) -> None:
    """Flush every client of the process, all within the same time.

    Args:
        budget: Seconds.
    """
    flush = Flush(explicit=True)
    deadline = Deadline.after(budget)
    for queue in queues.every_queue():
        flush.add(queue, queue.buffers(), deadline)
    flush.wait()


def _flush_for_good(budget: float) -> None:
    """Flush every client, and hand over what is left: nobody will send it any more.

    Args:
        budget: Seconds for both.
    """
    deadline = Deadline.after(budget)
    hands_over = any(queue.options.on_undelivered is not None for queue in queues.every_queue())
    flush_everything(budget * (1 - (HAND_OVER_SHARE if hands_over else TELL_SHARE)))
    lost = 0
    for queue in queues.every_queue():
        lost += queue.give_up_all("the process ended before they could be sent")
        queue.background.tell(queue, at_once=True)
    if lost:
        flush_everything(deadline.remaining())  # which waits for the hand-over
    log.wait(deadline.remaining() + EXIT_GRACE / 2)


def _send_sigterm_again() -> None:
    time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)


def _flush_at_exit() -> None:
    """Flush within what is left of the exit's time: where multiprocessing is loaded, its finalizers and atexit call."""
    global _exit_left, _exited  # noqa: PLW0603 -- see above
    began = monotonic()
    # A finalizer at the very end must not wait: much of what a request needs is gone by then.
    budget = 0.0 if sys.is_finalizing() else max(0.0, _exit_left)
    done = Latch()

    def flush() -> None:
        try:
            _flush_for_good(budget)
        finally:
            done()

    # On another thread, so that nothing can hang here.
    if workers.submit(flush, group="exit"):
        done.wait(budget + EXIT_GRACE)
    else:
        flush()
    log.abandon()
    _exit_left -= monotonic() - began
    _exited = True


def _install() -> None:
    """Handle SIGTERM, if nobody else does and Python lets us."""
    global _installed, _action  # noqa: PLW0603 -- see above
    if threading.current_thread() is not threading.main_thread():
        return
    _installed = True
    action = signal.getsignal(signal.SIGTERM)
    if action is signal.SIG_DFL or _is_of_another_copy(action):
        _action = action
        try:
            signal.signal(signal.SIGTERM, _on_sigterm)
        except ValueError:  # the main thread of a subinterpreter
            pass


def _is_of_another_copy(action: object) -> bool:
    """Whether a handler is that of this package, imported a second time: each flushes the clients that it knows."""
    names = ("__module__", "__qualname__")
    return action is not _on_sigterm and all(
        getattr(action, name, None) == getattr(_on_sigterm, name) for name in names
    )


def _on_sigterm(number: int, _frame: FrameType | None) -> None:
    global _terminating  # noqa: PLW0603 -- see above
    if _terminating:
        return  # It came again: the flush that it interrupts goes on.
    if any(queue.busy_here() for queue in queues.every_queue()) and start_thread(_send_sigterm_again, "formo-sigterm"):
        return  # It came amid a change of a queue, which must be complete before the queue can be emptied.
    if signal.getsignal(number) is not _on_sigterm:
        flush_everything(_signal_budget or 0.0)
        return  # Another handler called this one: what follows is its business.
    _terminating = True
    try:
        _flush_for_good(_signal_budget or 0.0)
    finally:
        _terminating = False
    signal.signal(number, _action)
    os.kill(os.getpid(), number)
    # Only PID 1 of a container is still there: the kernel gives it no default action.
    raise SystemExit(128 + number)


def _start_over_in_child() -> None:
    global _exit_left, _exited, _installed, _finalizes, _terminating  # noqa: PLW0603 -- see above
    _exit_left = EXIT_BUDGET
    _exited = _installed = _finalizes = _terminating = False
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is _on_sigterm:
        # Until it tracks something itself, a child ends on SIGTERM as it would without us.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


forks.in_child.append(_start_over_in_child)


def _register_snapshot_hooks() -> None:
    """Close connections before AWS Lambda SnapStart takes its snapshot; what is restored opens its own."""
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "snap-start":
        return
    try:
        hooks = importlib.import_module("snapshot_restore_py")  # of the runtime, never of ours
    except ImportError:
        return
    hooks.register_before_snapshot(_close_connections)
    hooks.register_after_restore(_close_connections)


def _close_connections(*_: Any) -> None:
    close_idle()
