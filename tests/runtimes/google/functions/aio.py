"""Functions of the framework's asynchronous side, decorated above and below its decorators."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any

import functions_framework.aio
from starlette.responses import StreamingResponse

from formo_lambda import FormoAnalytics, formo_flush

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request

analytics = FormoAnalytics()
arrived: list[str] = []
all_here = asyncio.Event()


def track_swaps(name: str, count: int) -> list[str]:
    """Track swaps that belong to one request; give their ids."""
    return [
        analytics.track("Swap Completed", properties={"request": name, "number": number}) for number in range(count)
    ]


def asked(request: Request) -> tuple[str, int]:
    """Read the name of the request and how many swaps it is to track."""
    return request.query_params["name"], int(request.query_params.get("count", "5"))


@formo_flush
@functions_framework.aio.http
async def http_above(request: Request) -> dict[str, Any]:
    """Be decorated above the framework."""
    return {"ids": track_swaps(*asked(request))}


@functions_framework.aio.http
@formo_flush
async def http_below(request: Request) -> dict[str, Any]:
    """Be decorated below the framework."""
    return {"ids": track_swaps(*asked(request))}


@functions_framework.aio.http
@formo_flush
def http_sync(request: Request) -> dict[str, Any]:
    """Be run in a thread of the event loop's."""
    return {"ids": track_swaps(*asked(request))}


@formo_flush
@functions_framework.aio.cloud_event
async def cloud_event_above(event: Any) -> None:
    """Take a CloudEvent."""
    track_swaps(event.data["name"], event.data["count"])


@functions_framework.aio.cloud_event
@formo_flush
async def cloud_event_below(event: Any) -> None:
    """Take a CloudEvent."""
    track_swaps(event.data["name"], event.data["count"])


@functions_framework.aio.cloud_event
@formo_flush
def cloud_event_sync(event: Any) -> None:
    """Take a CloudEvent in a thread of the event loop's."""
    track_swaps(event.data["name"], event.data["count"])


@functions_framework.aio.http
@formo_flush
async def fail(request: Request) -> str:
    """Raise after tracking."""
    track_swaps(*asked(request))
    raise LookupError("no such pool")


@functions_framework.aio.http
@formo_flush
async def meet(request: Request) -> dict[str, Any]:
    """Track some before and some after eight requests are in here at once."""
    name, count = asked(request)
    first = track_swaps(name, 1)
    arrived.append(name)
    if len(arrived) == 8:
        all_here.set()
    await asyncio.wait_for(all_here.wait(), 15)
    rest = []
    for _ in range(count - 1):
        await asyncio.sleep(0.002)
        rest += track_swaps(name, 1)
    return {"ids": first + rest}


@functions_framework.aio.http
@formo_flush
async def streams(request: Request) -> Any:
    """Answer with a body that tracks while it is sent, in the form that the path asks for."""
    name, count = asked(request)
    pause = float(request.query_params.get("pause", "0"))
    track_swaps(name, 1)

    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.sleep(pause)
        track_swaps(name, count - 1)
        yield b"last!"

    def sync_parts() -> Iterator[bytes]:
        yield b"first"
        time.sleep(pause)
        track_swaps(name, count - 1)
        yield b"last!"

    forms: dict[str, Any] = {
        "/chunked": lambda: StreamingResponse(parts()),
        "/sized": lambda: StreamingResponse(parts(), headers={"Content-Length": "10"}),
        "/sync": lambda: StreamingResponse(sync_parts()),
        "/sized-sync": lambda: StreamingResponse(sync_parts(), headers={"Content-Length": "10"}),
    }
    return forms[request.url.path]()


@functions_framework.aio.http
@formo_flush
def sync_streams(request: Request) -> Any:
    """Answer from a thread with a body that the event loop sends."""
    name, count = asked(request)
    track_swaps(name, 1)

    def parts() -> Iterator[bytes]:
        yield b"first"
        track_swaps(name, count - 1)
        yield b"last!"

    return StreamingResponse(parts(), headers={"Content-Length": "10"} if request.url.path == "/sized" else None)


ticks: list[float] = []
tasks: list[asyncio.Task[None]] = []


async def _tick() -> None:
    while True:
        ticks.append(time.monotonic())
        await asyncio.sleep(0.01)


@functions_framework.aio.http
@formo_flush
async def clock(request: Request) -> dict[str, Any]:
    """Give the longest pause of the event loop so far, and start to measure."""
    if not tasks:
        tasks.append(asyncio.create_task(_tick()))
    # A request that comes second by a moment finds no pause yet: there are as many as ticks, but one.
    await asyncio.sleep(0.05)
    pauses = [later - earlier for earlier, later in itertools.pairwise(ticks)]
    track_swaps(*asked(request))
    return {"longest": max(pauses)}
