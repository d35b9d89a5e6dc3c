"""Handlers without analytics, to see what the runtime itself does."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

_ticks: list[float] = []


def _tick() -> None:
    while True:
        _ticks.append(time.monotonic())
        time.sleep(0.005)


def echo(event: Any, context: Any) -> dict[str, Any]:
    """Tell what came in."""
    return {
        "event": event,
        "request_id": context.aws_request_id,
        "remaining": context.get_remaining_time_in_millis(),
        "pid": os.getpid(),
    }


def fail(event: Any, context: Any) -> None:
    """Raise."""
    raise LookupError("no such pool")


def leave(event: Any, context: Any) -> None:
    """End the process."""
    sys.exit(3)


def hang(event: Any, context: Any) -> int:
    """Take longer than allowed, if asked to."""
    if event == "hang":
        time.sleep(60)
    return os.getpid()


def clock(event: Any, context: Any) -> list[float]:
    """Give the times at which a background thread ran, across all invocations so far."""
    if not _ticks:
        threading.Thread(target=_tick, daemon=True).start()
    time.sleep(0.03)
    return list(_ticks)
