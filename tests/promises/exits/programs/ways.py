"""Queue 45 events, more than flush_at of them, and end in the way that the argument names, when told to by a line."""

from __future__ import annotations

import importlib
import multiprocessing
import sys
import threading
import time

from formo_lambda import FormoAnalytics

# Its finalizers run at the exit of the main process, too, beside atexit: together they must not take the time twice.
importlib.import_module("multiprocessing.util")

analytics = FormoAnalytics(flush_at=20)


def queue() -> None:
    """Track 45 events."""
    for number in range(45):
        analytics.track("Queued", properties={"number": number})


def work() -> None:
    """Be the child: queue, and say so."""
    queue()
    print("queued", flush=True)


def main(way: str) -> None:
    """Queue, say so, and end."""
    in_child = way in multiprocessing.get_all_start_methods()
    if not in_child:
        queue()
    if way == "blocked thread":
        threading.Thread(target=time.sleep, args=[30]).start()
    print("ready", flush=True)
    if way == "joining":
        thread = threading.Thread(target=sys.stdin.readline, daemon=True)
        thread.start()
        thread.join()
    sys.stdin.readline()
    if in_child:
        multiprocessing.set_start_method(way)
        child = multiprocessing.Process(target=work)
        child.start()
        child.join()
        sys.exit(child.exitcode)
    if way == "sys.exit":
        sys.exit(3)
    if way == "exception":
        raise ValueError("unhandled")


if __name__ == "__main__":
    main(sys.argv[1])
