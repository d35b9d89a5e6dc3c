"""Track and flush before and after gevent or eventlet replaces what blocks: all of it, or all but threads."""

from __future__ import annotations

import importlib
import json
import sys
import time

library, moment, *options = sys.argv[1:]


def patch() -> None:
    """Have the library replace things."""
    arguments = {"thread": False} if "without_threads" in options else {}
    if library == "gevent":
        importlib.import_module("gevent.monkey").patch_all(**arguments)
    else:
        importlib.import_module("eventlet").monkey_patch(**arguments)


if moment == "early":
    patch()

from formo_lambda import FormoAnalytics, formo_flush  # noqa: E402 -- see above

analytics = FormoAnalytics(flush_timeout=20.0, request_timeout=10.0)
if moment == "handled":
    with analytics.invocation():
        analytics.track("Before")
elif moment in {"tracked", "flushed"}:
    analytics.track("Before")
if moment == "flushed":
    assert analytics.flush().sent == 1
if moment != "early":
    patch()

hub = importlib.import_module(library)


@formo_flush
def handler(event: int, context: object) -> None:
    """Handle one request, which tracks so many events."""
    for _ in range(event):
        analytics.track("After")


def flush() -> None:
    """Flush what is tracked outside any invocation."""
    analytics.track("After")
    analytics.flush()


def tick() -> None:
    """Note again and again that this greenlet goes on."""
    while True:
        ticks.append(time.monotonic())
        hub.sleep(0.01)


ticks: list[float] = []
hub.spawn(tick)
hub.sleep(0.1)
# One at first, because the first one has a connection opened.
handler(1, None)
running = [hub.spawn(handler, 1, None) for _ in range(8)]
running += [hub.spawn(handler, 150, None), hub.spawn(flush), hub.spawn(flush)]
for one in running:
    (one.get if library == "gevent" else one.wait)()
stats = analytics.stats
longest = max(after - before for before, after in zip(ticks, [*ticks[1:], time.monotonic()], strict=True))
print(json.dumps({"sent": stats.sent, "retained": stats.retained, "longest": longest}))
