"""Notices that the process is a forked child, with hooks of the interpreter or without."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Each makes one part of the package forget what is the parent's.
in_child: list[Callable[[], object]] = []
_pid = _first_pid = os.getpid()


def check() -> None:
    """Start afresh if this is a forked child that has not done so yet.

    Called by Python's own hook for forks, and, because servers written in C fork without it, wherever an event is
    tracked and a flush begins.
    """
    global _pid  # noqa: PLW0603 -- a process has one number
    if os.getpid() != _pid:
        _pid = os.getpid()
        for start_over in in_child:
            start_over()


def is_uwsgi() -> bool:
    """Whether uWSGI runs this interpreter: it forks without hooks, and has signal handlers that Python knows not of."""
    return hasattr(sys.modules.get("uwsgi"), "worker_id")


def lie_ahead() -> bool:
    """Whether the server is going to fork this process without hooks: uWSGI, while it loads the application."""
    return is_uwsgi() and os.getpid() == _first_pid and sys.modules["uwsgi"].worker_id() == 0
