"""The ways a process ends or doubles: interpreter exit, SIGTERM, fork, snapshot."""

from __future__ import annotations

import atexit
import importlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from formo_lambda.delivery import outbox as outboxes
from formo_lambda.delivery.flushing import Flush
from formo_lambda.invocation import Deadline, forget_others
from formo_lambda.options import EXIT_BUDGET

if TYPE_CHECKING:
    from types import FrameType

# Module state, because a process has one exit, one SIGTERM and one fork: it is what the interpreter keeps of us.
_registered = False
_signal_budget: float | None = None
_finalizer_pid: int | None = None


def register(signal_budget: float | None) -> None:
    """Have the process flush before it ends; called when a client is made.

    Args:
        signal_budget: Seconds that SIGTERM gets, or None where the client does not want it handled.
    """
    global _registered, _signal_budget  # noqa: PLW0603 -- see above
    if not _registered:
        _registered = True
        atexit.register(flush_everything, EXIT_BUDGET)
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
        finalizers.Finalize(None, flush_everything, args=(EXIT_BUDGET,), exitpriority=0)


def flush_everything(budget: float) -> None:
    """Flush every client of the process, all within the same time.

    Args:
        budget: Seconds.
    """
    flush = Flush(forced=True)
    deadline = Deadline.after(budget)
    for outbox in {*outboxes.awake, *outboxes.everyone}:
        flush.add(outbox, outbox.buffers(), deadline)
    flush.wait()


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
