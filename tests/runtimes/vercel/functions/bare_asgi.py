"""A bare ASGI function."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from formo_lambda import FormoAnalytics, formo_flush

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

analytics = FormoAnalytics()


@formo_flush
async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Track a swap before the response, one while it is under way, and one when it is over."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        return
    name = scope["path"].strip("/")
    analytics.track("Swap Completed", properties={"invocation": name, "number": 0})
    await asyncio.sleep(0.05)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"one ", "more_body": True})
    analytics.track("Swap Completed", properties={"invocation": name, "number": 1})
    await send({"type": "http.response.body", "body": b"two"})
    analytics.track("Swap Completed", properties={"invocation": name, "number": 2})
