"""A FastAPI application, decorated as an object; it stays a FastAPI application."""

from __future__ import annotations

from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse

from formo_lambda import formo_flush
from tests.runtimes.web.apps.swaps import stream, swap

app = FastAPI()


@app.get("/fixed/{name}")
async def fixed(name: str) -> str:
    """Answer with a body of known length."""
    swap(name, 0)
    return "fixed"


@app.get("/stream/{name}")
def streamed(name: str) -> StreamingResponse:
    """Answer with a stream, from a worker thread."""
    swap(name, 0)
    return StreamingResponse(stream(name))


@app.get("/background/{name}")
async def background(name: str, tasks: BackgroundTasks) -> str:
    """Answer, and leave a task behind."""
    swap(name, 0)
    tasks.add_task(swap, name, 1)
    return "fixed"


assert formo_flush(app) is app
