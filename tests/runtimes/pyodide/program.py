"""Use the package where there are neither threads nor sockets, and print what came of it."""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.testing import RecordingTransport

if TYPE_CHECKING:
    from formo_lambda import FlushResult


def start_refused() -> bool:
    """Tell whether no thread can be started."""
    try:
        threading.Thread(target=int).start()
    except RuntimeError:
        return True
    return False


def summary(result: FlushResult) -> dict[str, Any]:
    """Return what a flush said, as JSON can say it."""
    return {
        "sent": result.sent,
        "left": result.retained + result.undelivered,
        "requests": result.requests,
        "reasons": [error.reason for error in result.errors],
    }


def recorded() -> dict[str, Any]:
    """Deliver to a transport that records, from a handler, nested scopes and a flush."""
    transport = RecordingTransport()
    analytics = FormoAnalytics("a-key", transport=transport)

    @formo_flush
    def handler(event: object, context: object) -> str:
        for _ in range(45):
            analytics.track("Handled")
        with analytics.invocation():
            analytics.track("Nested")
        return "done"

    value = handler({}, None)
    by_handler = len(transport.unique_events)
    analytics.track("Flushed")
    flushed = summary(analytics.flush())
    closed = summary(analytics.close())
    return {
        "value": value,
        "by handler": by_handler,
        "flushed": flushed,
        "closed": closed,
        "arrived": len(transport.unique_events),
        "problems": transport.problems,
    }


async def recorded_async() -> dict[str, Any]:
    """Do it on the event loop, which is the browser's or Node's."""
    transport = RecordingTransport()
    analytics = FormoAnalytics("a-key", transport=transport)

    @formo_flush
    async def handler(event: object, context: object) -> str:
        analytics.track("Handled")
        return "done"

    value = await handler({}, None)
    by_handler = len(transport.unique_events)
    analytics.track("Flushed")
    return {"value": value, "by handler": by_handler, "flushed": summary(await analytics.aflush())}


def without_transport() -> dict[str, Any]:
    """Flush to a server by the transport that a client has if it is given none."""
    told: list[tuple[int, str]] = []
    analytics = FormoAnalytics(
        "a-key",
        api_host="http://127.0.0.1:9",
        on_undelivered=lambda events, error: told.append((len(events), str(error))),
    )
    analytics.track("Swap")
    began = time.monotonic()
    result = analytics.flush()
    seconds = time.monotonic() - began
    return {**summary(result), "ok": result.ok, "seconds": seconds, "told": told}


async def main() -> None:
    """Print what came of it; whoever runs this file in Pyodide awaits it there."""
    told = {
        "platform": sys.platform,
        "start refused": start_refused(),
        "recorded": recorded(),
        "recorded async": await recorded_async(),
        "without transport": without_transport(),
    }
    print(json.dumps(told))
