"""A FastAPI application, decorated as an object."""

from __future__ import annotations

from fastapi import BackgroundTasks, FastAPI

from formo_lambda import FormoAnalytics, formo_flush

analytics = FormoAnalytics()

app = FastAPI()


def settle(name: str) -> None:
    """Work on after the response."""
    analytics.track("Swap Completed", properties={"invocation": name, "number": 1})


@app.get("/swap/{name}")
async def swap(name: str, tasks: BackgroundTasks) -> str:
    """Answer, and leave a task behind."""
    analytics.track("Swap Completed", properties={"invocation": name, "number": 0})
    tasks.add_task(settle, name)
    return "done"


@app.get("/threaded/{name}")
def threaded(name: str) -> str:
    """Answer from a worker thread."""
    analytics.track("Swap Completed", properties={"invocation": name, "number": 0})
    return "done"


app = formo_flush(app)
