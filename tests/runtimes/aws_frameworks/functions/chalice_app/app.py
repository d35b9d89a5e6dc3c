"""A Chalice application; its middleware decorates anew at every call."""

from __future__ import annotations

from typing import Any

from chalice import Chalice, ConvertToMiddleware

from formo_lambda import FormoAnalytics, formo_flush

app = Chalice(app_name="swaps")
app.register_middleware(ConvertToMiddleware(formo_flush), "all")
analytics = FormoAnalytics()


def track_swaps(name: str, count: int) -> None:
    """Track swaps that belong to one invocation."""
    for number in range(count):
        analytics.track("Swap Completed", properties={"invocation": name, "number": number})


@app.route("/swaps/{name}")
def swaps(name: str) -> dict[str, Any]:
    """Answer a request."""
    track_swaps(name, 5)
    return {"name": name}


@app.route("/fail/{name}")
def fail(name: str) -> None:
    """Raise after tracking."""
    track_swaps(name, 5)
    raise LookupError("no such pool")


@app.on_sqs_message(queue="swaps")
def on_swap(event: Any) -> None:
    """Take messages of a queue."""
    for record in event:
        track_swaps(record.body, 5)


@app.lambda_function()
def plain(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Be a plain function."""
    track_swaps(event["name"], 5)
    return {"name": event["name"], "remaining": context.get_remaining_time_in_millis()}
