"""Counts the threads that a program starts, or lets it start none. To be imported before what starts threads."""

from __future__ import annotations

import _thread
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: What every thread is started with, whoever starts it; the second one exists from Python 3.13 on.
_NAMES = ("start_new_thread", "start_joinable_thread")


class Starts:
    """How many threads have been started since it was made, or since `count` was set to zero."""

    def __init__(self) -> None:
        self.count = 0
        _replace(self._counting)

    def _counting(self, start: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            return start(*args, **kwargs)

        return counting


def allow_none() -> None:
    """From now on no thread can be started, as where memory or the platform's limit is used up."""

    def refusing(start: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(*args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("can't start new thread")

        return refuse

    _replace(refusing)


def _replace(wrapped: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    for name in _NAMES:
        start = getattr(_thread, name, None)
        if start is None:
            continue
        replacement = wrapped(start)
        setattr(_thread, name, replacement)
        # `threading` keeps its own reference to each.
        if hasattr(threading, f"_{name}"):
            setattr(threading, f"_{name}", replacement)
