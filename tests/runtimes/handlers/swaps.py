"""Decorated handlers: each tracks as many swaps as the event's `count` says, named after the event's `name`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from formo_lambda import FormoAnalytics, formo_flush

analytics = FormoAnalytics()


def track_swaps(event: dict[str, Any]) -> list[str]:
    """Track the swaps; give their ids."""
    return [
        analytics.track("Swap Completed", properties={"invocation": event["name"], "number": number})
        for number in range(event["count"])
    ]


@formo_flush
def finish(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return a value."""
    return {"name": event["name"], "ids": track_swaps(event)}


@formo_flush
def fail(event: dict[str, Any], context: object) -> None:
    """Raise after tracking."""
    track_swaps(event)
    raise LookupError("no such pool")


@formo_flush
def leave(event: dict[str, Any], context: object) -> None:
    """End the process after tracking."""
    track_swaps(event)
    sys.exit(3)


@formo_flush
def run_loop(event: dict[str, Any], context: object) -> list[str]:
    """Track from a coroutine, the way to have one on Lambda."""

    async def work() -> list[str]:
        await asyncio.sleep(0)
        return track_swaps(event)

    return asyncio.run(work())


async def bare_coroutine(event: dict[str, Any], context: object) -> list[str]:
    """Be a coroutine function, which the runtime cannot run."""
    return track_swaps(event)


@formo_flush
async def coroutine(event: dict[str, Any], context: object) -> list[str]:
    """Be a decorated coroutine function."""
    return track_swaps(event)
