"""Notices that the process is a forked child, with hooks of the interpreter or without."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Each makes one part of the package forget what is the parent's.
in_child: list[Callable[[], object]] = []
_pid = os.getpid()


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
