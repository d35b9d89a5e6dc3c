"""Track and flush while the interpreter ends: when, the argument says."""

from __future__ import annotations

import atexit
import json
import logging
import sys

from formo_lambda import FormoAnalytics, formo_flush

# What is said of failed deliveries is not looked at here; any other word on standard error is.
logging.disable()


@formo_flush
def handler(event: object, context: object, name: str) -> None:
    """Handle one request."""
    for _ in range(25):
        analytics.track(name)


def send(name: str) -> None:
    """Track in an invocation and outside any, flush, and print how many have left, and how many have no fate yet."""
    before = analytics.stats.sent
    handler({}, None, name)
    analytics.track(name)
    result = analytics.flush()
    stats = analytics.stats
    print(json.dumps([stats.sent - before, result.sent, stats.buffered]), flush=True)


class Held:
    """Sends when it is collected."""

    def __del__(self) -> None:
        send("Late")


held: Held | None = None
moment, *earlier = sys.argv[1:]
if moment == "after our callback":
    # The last one to be registered is the first one to be called.
    atexit.register(send, "Late")
analytics = FormoAnalytics()
if moment == "before our callback":
    atexit.register(send, "Late")
if moment == "after all callbacks":
    # A module's variable goes with the module.
    held = Held()
if earlier:
    send("Early")
