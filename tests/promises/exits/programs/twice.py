"""Import the package, and once more as a reloader does; queue 22 events with either copy, and wait to end.

The argument names which copies are to have a client: "both", "first" or "second".
"""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any


def queue(package: Any, first: int) -> Any:
    """Make a client of a copy, and queue 22 events."""
    client = package.FormoAnalytics(flush_at=20)
    for number in range(first, first + 22):
        client.track("Queued", properties={"number": number})
    return client


def imported() -> Any:
    """Import the package anew."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "formo_lambda"]:
        del sys.modules[name]
    return importlib.import_module("formo_lambda")


def main(which: str) -> None:
    """Queue, say so, and wait for a line, or for a signal."""
    importlib.import_module("multiprocessing.util")
    clients = []
    one = imported()
    if which != "second":
        clients.append(queue(one, 0))
    other = imported()
    assert one is not other
    if which != "first":
        clients.append(queue(other, 22))
    print("ready", flush=True)
    if sys.stdin.readline() == "":
        time.sleep(30.0)


main(sys.argv[1])
