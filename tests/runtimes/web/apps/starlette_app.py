"""A Starlette application with the middleware, as Starlette's documentation adds one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from formo_lambda.asgi import FormoFlushMiddleware
from tests.runtimes.web.apps.swaps import FILE, PARTS, endless, stream, swap

if TYPE_CHECKING:
    from starlette.requests import Request


async def fixed(request: Request) -> Response:
    """Answer with a body of known length."""
    swap(request.path_params["name"], 0)
    return PlainTextResponse("fixed")


async def streamed(request: Request) -> Response:
    """Answer with a stream, iterated in worker threads."""
    swap(request.path_params["name"], 0)
    return StreamingResponse(stream(request.path_params["name"]))


async def sized(request: Request) -> Response:
    """Answer with a stream whose length is known."""
    swap(request.path_params["name"], 0)
    length = str(len("".join(PARTS)))
    return StreamingResponse(stream(request.path_params["name"]), headers={"Content-Length": length})


async def file(request: Request) -> Response:
    """Answer with a file."""
    swap(request.path_params["name"], 0)
    return FileResponse(FILE)


async def background(request: Request) -> Response:
    """Answer, and leave a task behind."""
    swap(request.path_params["name"], 0)
    return PlainTextResponse("fixed", background=BackgroundTask(swap, request.path_params["name"], 1))


async def without_end(request: Request) -> Response:
    """Answer with a stream that only a client's leaving ends."""
    swap(request.path_params["name"], 0)
    return StreamingResponse(endless(request.path_params["name"]))


def failing(request: Request) -> Response:
    """Raise after tracking."""
    swap(request.path_params["name"], 0)
    raise LookupError("no such pool")


async def nothing(request: Request) -> Response:
    """Answer without a body."""
    swap(request.path_params["name"], 0)
    return Response(status_code=204)


app = Starlette(
    routes=[
        Route("/fixed/{name}", fixed),
        Route("/stream/{name}", streamed),
        Route("/sized/{name}", sized),
        Route("/file/{name}", file),
        Route("/background/{name}", background),
        Route("/endless/{name}", without_end),
        Route("/failing/{name}", failing),
        Route("/nothing/{name}", nothing),
    ]
)
app.add_middleware(FormoFlushMiddleware)
