"""Make a client at each call of a handler, or one for all, and print what the calls took and left."""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import threading
import time
from pathlib import Path

from formo_lambda import FormoAnalytics, formo_flush

#: From here on nothing may grow: everything is loaded, and what is kept for later is there.
SETTLED = 500


def counts() -> dict[str, int]:
    """Count what a process may have too many of."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 -- it is called at each call: the fast way
        "kilobytes": pages * resource.getpagesize() // 1024,
    }


def dropped() -> None:
    """Make a client and leave it to the invocation, as most do."""
    FormoAnalytics().track("Swap")


def closed() -> None:
    """Make a client and close it, as the careful do."""
    with FormoAnalytics() as analytics:
        analytics.track("Swap")


def shared() -> None:
    """Use the one client of the module, as the README advises."""
    everyones.track("Swap")


everyones = FormoAnalytics()


def main(way: str, calls: int) -> None:
    """Call the handler so many times, and stop at the first call that takes long."""
    handler = formo_flush(lambda event, context: {"dropped": dropped, "closed": closed, "shared": shared}[way]())
    settled = most = counts()
    seconds: list[float] = []
    for call in range(calls):
        began = time.perf_counter()
        handler({}, None)
        seconds.append(time.perf_counter() - began)
        if seconds[-1] > 1.5:
            break
        if call == SETTLED:
            settled = most = counts()
        elif call % 20 == 0:
            now = counts()
            most = {name: max(most[name], now[name]) for name in now}
    print(
        json.dumps(
            {
                "calls": len(seconds),
                "settled": settled,
                "most": most,
                "seconds": sum(seconds),
                "median": statistics.median(seconds),
            }
        )
    )


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    main(sys.argv[1], int(sys.argv[2]))
