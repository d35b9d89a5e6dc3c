"""Track many events in a loop, as an import does, and tell how long that took, and what it cost.

Arguments: the number of events, how they are tracked (`plain`, `handler` or `loop`), and the seconds of the last flush.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from formo_lambda import FlushResult, FormoAnalytics, formo_flush

EVENTS, KIND, SECONDS = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
PADDING = "x" * 40


def resident() -> int:
    """Return the bytes of memory that the process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


class Import:
    """The loop, and what it sees.

    Attributes:
        longest: The longest that one `track()` took, in seconds.
        most: The most memory that the process had, in bytes.
    """

    def __init__(self, client: FormoAnalytics) -> None:
        self._client = client
        self.longest = 0.0
        self.most = 0

    def track(self, number: int) -> None:
        """Track one event."""
        began = time.monotonic()
        self._client.track("Imported", address="0x" + "ab" * 20, properties={"number": number, "padding": PADDING})
        self.longest = max(self.longest, time.monotonic() - began)
        if number % 500 == 0:
            self.most = max(self.most, resident())


def main() -> None:
    """Import, and tell."""
    client = FormoAnalytics("key", flush_timeout=SECONDS, handle_signals=False)
    client.track("First")
    client.flush(5.0)
    run = Import(client)
    before = run.most = resident()
    began = time.monotonic()
    results: list[FlushResult] = []

    def plain() -> None:
        for number in range(EVENTS):
            run.track(number)

    async def in_loop() -> None:
        for number in range(EVENTS):
            run.track(number)
            if number % 1_000 == 999:
                results.append(await client.aflush(SECONDS))

    if KIND == "handler":
        formo_flush(plain)()
    elif KIND == "loop":
        asyncio.run(in_loop())
    else:
        plain()
    tracked = time.monotonic() - began
    results.append(client.flush(SECONDS))
    stats = client.stats
    print(
        json.dumps(
            {
                "tracked in": tracked,
                "seconds": time.monotonic() - began,
                "longest": run.longest,
                "grown": max(run.most, resident()) - before,
                "sent": stats.sent,
                "undelivered": stats.undelivered,
                "ok": all(result.ok for result in results),
            }
        ),
        flush=True,
    )


main()
