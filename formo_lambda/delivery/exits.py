"""The ways a process ends or doubles: interpreter exit, SIGTERM, fork, snapshot."""

from __future__ import annotations

import atexit
import importlib
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from formo_lambda.delivery import outbox as outboxes
from formo_lambda.delivery.flushing import Flush
from formo_lambda.invocation import Deadline, forget_others
from formo_lambda.options import EXIT_BUDGET

if TYPE_CHECKING:
    from types import FrameType

    from formo_lambda.delivery.outbox import Outbox

# Module state, because a process has one exit, one SIGTERM and one fork: it is what the interpreter keeps of us.
_registered = False
_signal_budget: float | None = None
_finalizer_pid: int | None = None
_exit_left = EXIT_BUDGET


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
            os.register_at_fork(after_in_child=_after_fork_in_child)
        _register_snapshot_hooks()
    if signal_budget is not None:
        _signal_budget = signal_budget
        _install()


def on_wake() -> None:
    """Make sure of what a fork takes away; called when a process has something to deliver."""
    global _finalizer_pid  # noqa: PLW0603 -- see above
    if _signal_budget is not None:
        _install()
    # The children of multiprocessing end with os._exit: they run its finalizers, and no atexit.
    finalizers = sys.modules.get("multiprocessing.util")
    if finalizers is not None and _finalizer_pid != os.getpid():
        _finalizer_pid = os.getpid()
        finalizers.Finalize(None, _flush_at_exit, exitpriority=0)


def flush_everything(budget: float) -> None:
    """Flush every client of the process, all within the same time.

    Args:
        budget: Seconds.
    """
    flush = Flush(forced=True)
    deadline = Deadline.after(budget)
    for outbox in _all_outboxes():
        flush.add(outbox, outbox.buffers(), deadline)
    flush.wait()


def _all_outboxes() -> set[Outbox]:
    while True:
        try:
            return {*outboxes.awake, *outboxes.everyone}
        except RuntimeError:  # another thread has just made a client
            time.sleep(0)


def _flush_at_exit() -> None:
    """Flush within what is left of the exit's time: where multiprocessing is loaded, its finalizers and atexit call."""
    global _exit_left  # noqa: PLW0603 -- see above
    began = time.monotonic()
    flush_everything(max(0.0, _exit_left))
    _exit_left -= time.monotonic() - began


def _install() -> None:
    """Handle SIGTERM, if nobody else does and Python lets us."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        try:
            signal.signal(signal.SIGTERM, _on_sigterm)
        except ValueError:  # the main thread of a subinterpreter
            pass


def _on_sigterm(number: int, _frame: FrameType | None) -> None:
    flush_everything(_signal_budget or 0.0)
    if signal.getsignal(number) is not _on_sigterm:
        return  # Another handler called this one: what follows is its business.
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    # Only PID 1 of a container is still there: the kernel gives it no default action.
    raise SystemExit(128 + number)


def _after_fork_in_child() -> None:
    global _exit_left  # noqa: PLW0603 -- see above
    _exit_left = EXIT_BUDGET
    outboxes.awake.clear()
    for outbox in list(outboxes.everyone):
        outbox.start_over()
    forget_others()
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is _on_sigterm:
        # Until it tracks something itself, a child ends on SIGTERM as it would without us.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


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
    for outbox in list(outboxes.everyone):
        outbox.close_connections()
