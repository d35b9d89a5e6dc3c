"""Count the threads that invocations and clients start, and those that are alive afterwards."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from tests.promises.programs.thread_starts import Starts

starts = Starts()

from formo_lambda import FormoAnalytics, formo_flush  # noqa: E402 -- what it starts is to be counted


def alive() -> int:
    """Count the threads beside this one."""
    return threading.active_count() - 1


def wait_until_alone(seconds: float) -> float:
    """Wait until no other thread is alive, and return how long that took."""
    began = time.monotonic()
    while alive() and time.monotonic() - began < seconds:
        time.sleep(0.01)
    return time.monotonic() - began


def warm(events: int, invocations: int) -> None:
    """Print what warm invocations, each of so many events, have started and left."""
    analytics = FormoAnalytics()

    @formo_flush
    def handler(event: object, context: object) -> None:
        for _ in range(events):
            analytics.track("Swap")

    for _ in range(2):
        handler({}, None)
    # What opened the connection may live on for a while; nothing else may be started for what follows.
    wait_until_alone(5.0)
    starts.count = 0
    most = 0
    for _ in range(invocations):
        handler({}, None)
        most = max(most, alive())
    print(json.dumps({"started": starts.count, "most alive": most, "alive": alive(), "sent": analytics.stats.sent}))


def cold() -> None:
    """Say when the handler has worked for a while, and print what the first invocation has started."""
    analytics = FormoAnalytics()

    @formo_flush
    def handler(event: object, context: object) -> None:
        analytics.track("Swap")
        time.sleep(0.05)
        print(json.dumps("working"), flush=True)
        sys.stdin.readline()

    handler({}, None)
    print(json.dumps({"started": starts.count, "sent": analytics.stats.sent}))


def sockets() -> int:
    """Count the sockets that are open."""
    found = 0
    for path in Path("/proc/self/fd").iterdir():
        try:
            found += str(path.readlink()).startswith("socket:")
        except FileNotFoundError:  # it was closed meanwhile
            pass
    return found


def clients(way: str) -> None:
    """Print what 300 clients that were used and closed have left."""
    before = sockets()
    sent = 0
    together = [FormoAnalytics() for _ in range(300)] if way == "all at once" else []
    for client in together:
        client.track("Swap")
    for number in range(300):
        analytics = together[number] if together else FormoAnalytics()
        if way == "in invocations":
            with analytics.invocation():
                analytics.track("Swap")
        elif not together:
            analytics.track("Swap")
        analytics.close()
        sent += analytics.stats.sent
    left = alive()
    seconds = wait_until_alone(2.5)
    counted = {"left": left, "alive": alive(), "sockets": sockets() - before}
    print(json.dumps({**counted, "seconds": round(seconds, 2), "sent": sent}))


if __name__ == "__main__":
    called, *arguments = sys.argv[1:]
    if called == "clients":
        clients(*arguments)
    else:
        globals()[called](*map(int, arguments))
