"""Use the package in every way where no thread can be started, and print what came of it."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from tests.promises.programs import thread_starts

thread_starts.allow_none()

# There are none from the beginning.
from formo_lambda import FormoAnalytics, formo_flush  # noqa: E402 -- see above
from formo_lambda.testing import RecordingTransport  # noqa: E402 -- see above

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda import FlushResult

#: Seconds that a flush may take where the server does not answer.
BUDGET = 0.3

# What is said of failed deliveries is not looked at here; any other word on standard error is.
logging.disable()

undelivered: list[str] = []
analytics = FormoAnalytics(on_undelivered=lambda events, error: undelivered.extend(each["event"] for each in events))


def track(count: int, name: str = "Swap") -> None:
    """Track so many events."""
    for _ in range(count):
        analytics.track(name)


def tell(result: FlushResult | None = None) -> None:
    """Print what a flush said, or else the totals."""
    said = result or analytics.stats
    print(json.dumps({"sent": said.sent, "retained": said.retained, "undelivered": said.undelivered}))


def decorator() -> None:
    """Call a handler twice."""

    @formo_flush
    def handler(event: object, context: object) -> str:
        track(45)
        return "done"

    assert [handler({}, None), handler({}, None)] == ["done", "done"]
    tell()


def scopes() -> None:
    """Nest scopes; the outer one answers for all."""
    with analytics.invocation() as outer:
        track(1)
        with analytics.invocation():
            track(30)
            with analytics.invocation():
                track(2)
    tell(outer.result)


def flush() -> None:
    """Flush what was tracked outside any invocation."""
    track(250)
    tell(analytics.flush(5.0))


def close() -> None:
    """Close, and go on."""
    track(1)
    tell(analytics.close())
    track(1)
    tell(analytics.close())


def retries() -> None:
    """Flush to a server that fails at first."""
    track(5)
    tell(analytics.flush(10.0))


def refused() -> None:
    """Flush to a server that takes nothing."""
    track(3, "Refused")
    tell(analytics.flush())
    print(json.dumps(undelivered))


def aflush() -> None:
    """Flush on an event loop, several tasks at once, and call an async handler."""

    @formo_flush
    async def handler(event: object, context: object) -> str:
        track(20)
        await asyncio.sleep(0)
        return "done"

    async def main() -> list[Any]:
        track(3)
        first = await analytics.aflush()
        assert first.sent == 3
        return await asyncio.gather(*(handler({}, None) for _ in range(4)))

    assert asyncio.run(main()) == ["done"] * 4
    tell()


def at_exit() -> None:
    """Leave it to the exit."""
    track(45)
    tell()


def silent() -> None:
    """Flush to a server that does not answer, and print the seconds that each way took."""

    @formo_flush(timeout=BUDGET)
    def handler(event: object, context: object) -> None:
        track(25)

    async def aflush() -> None:
        track(1)
        await analytics.aflush(BUDGET)

    def timed(call: Callable[[], object]) -> float:
        began = time.monotonic()
        call()
        return round(time.monotonic() - began, 2)

    print(
        json.dumps(
            {
                "handler": timed(lambda: handler({}, None)),
                "flush": timed(lambda: analytics.flush(BUDGET)),
                "aflush": timed(lambda: asyncio.run(aflush())),
                "close": timed(lambda: analytics.close(BUDGET)),
            }
        )
    )
    tell()


def own_transport() -> None:
    """Send by a transport of the user's own."""
    transport = RecordingTransport()
    client = FormoAnalytics(transport=transport)
    with client.invocation():
        for _ in range(45):
            client.track("Swap")
    assert transport.problems == []
    print(json.dumps({"sent": client.stats.sent, "arrived": len(transport.unique_events)}))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    assert threading.active_count() == 1
