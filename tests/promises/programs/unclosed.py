"""Use clients in every way, close none of them, and have every warning of what is left open fail."""

from __future__ import annotations

import asyncio
import gc
import json
import warnings

warnings.simplefilter("error")

from formo_lambda import FormoAnalytics, formo_flush  # noqa: E402 -- so that the import is seen as well


def flushed() -> int:
    """Flush, and drop the client."""
    client = FormoAnalytics()
    client.track("Flushed")
    return client.flush().sent


def handled() -> int:
    """Make the client where it is used, as other SDKs advise."""

    @formo_flush
    def handler(event: object, context: object) -> FormoAnalytics:
        client = FormoAnalytics()
        client.track("Handled")
        return client

    return handler({}, None).stats.sent


async def awaited() -> int:
    """Do it in an event loop that ends."""
    client = FormoAnalytics()
    client.track("Awaited")
    return (await client.aflush()).sent


def main() -> None:
    """Use and drop them, and leave one that has something to deliver to the end of the process."""
    sent = 0
    for _ in range(3):
        sent += flushed() + handled() + asyncio.run(awaited())
        gc.collect()
    FormoAnalytics().track("Left")
    gc.collect()
    print(json.dumps(sent))


main()
