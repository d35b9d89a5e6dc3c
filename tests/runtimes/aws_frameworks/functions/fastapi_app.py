"""A FastAPI application behind Mangum."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse
from mangum import Mangum

from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.asgi import FormoFlushMiddleware

analytics = FormoAnalytics()
app = FastAPI()


def track_swaps(name: str, count: int) -> None:
    """Track swaps that belong to one invocation."""
    for number in range(count):
        analytics.track("Swap Completed", properties={"invocation": name, "number": number})


@app.get("/async/{name}")
async def in_the_loop(name: str) -> dict[str, Any]:
    """Be a coroutine function."""
    track_swaps(name, 5)
    return {"name": name}


@app.get("/sync/{name}")
def in_a_thread(name: str) -> dict[str, Any]:
    """Be run in a thread."""
    track_swaps(name, 5)
    return {"name": name}


@app.get("/background/{name}")
async def in_the_background(name: str, tasks: BackgroundTasks) -> dict[str, Any]:
    """Track after the response, which on Lambda still is before the return."""
    track_swaps(name, 2)
    tasks.add_task(track_swaps, name, 3)
    return {"name": name}


@app.get("/stream/{name}")
async def in_a_stream(name: str) -> StreamingResponse:
    """Track while the body is made."""

    async def parts() -> AsyncIterator[str]:
        yield '{"name": '
        track_swaps(name, 5)
        yield f'"{name}"}}'

    return StreamingResponse(parts())


@app.get("/fail/{name}")
async def failing(name: str) -> None:
    """Raise after tracking."""
    track_swaps(name, 5)
    raise LookupError("no such pool")


handler = formo_flush(Mangum(app))
raising = formo_flush(Mangum(app, lifespan="off"))

inner = FastAPI()
inner.add_middleware(FormoFlushMiddleware)
inner.get("/async/{name}")(in_the_loop)
inner.get("/background/{name}")(in_the_background)
by_middleware = Mangum(inner)
by_both = formo_flush(by_middleware)
