"""Functions of every signature, decorated above and below the framework's decorators."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import flask
import functions_framework

from formo_lambda import FormoAnalytics, formo_flush

if TYPE_CHECKING:
    from collections.abc import Iterator

analytics = FormoAnalytics()
together = threading.Barrier(8, timeout=15)


def track_swaps(name: str, count: int) -> list[str]:
    """Track swaps that belong to one request; give their ids."""
    return [
        analytics.track("Swap Completed", properties={"request": name, "number": number}) for number in range(count)
    ]


def asked(request: flask.Request) -> tuple[str, int]:
    """Read the name of the request and how many swaps it is to track."""
    return request.args["name"], int(request.args.get("count", "5"))


@formo_flush
def bare(request: flask.Request) -> dict[str, Any]:
    """Be known to the framework by the configuration alone."""
    return {"ids": track_swaps(*asked(request))}


@formo_flush
@functions_framework.http
def http_above(request: flask.Request) -> dict[str, Any]:
    """Be decorated above the framework."""
    return {"ids": track_swaps(*asked(request))}


@functions_framework.http
@formo_flush
def http_below(request: flask.Request) -> dict[str, Any]:
    """Be decorated below the framework."""
    return {"ids": track_swaps(*asked(request))}


@formo_flush
@functions_framework.cloud_event
def cloud_event_above(event: Any) -> None:
    """Take a CloudEvent."""
    track_swaps(event.data["name"], event.data["count"])


@functions_framework.cloud_event
@formo_flush
def cloud_event_below(event: Any) -> None:
    """Take a CloudEvent."""
    track_swaps(event.data["name"], event.data["count"])


@formo_flush
def background(data: dict[str, Any], context: Any) -> None:
    """Take a background event: its context is not Lambda's."""
    assert context.event_id
    track_swaps(data["name"], data["count"])


@formo_flush
def fail(request: flask.Request) -> str:
    """Raise after tracking."""
    track_swaps(*asked(request))
    raise LookupError("no such pool")


@formo_flush
def meet(request: flask.Request) -> dict[str, Any]:
    """Track some before and some after eight requests are in here at once."""
    name, count = asked(request)
    first = track_swaps(name, 1)
    together.wait()
    rest = []
    for _ in range(count - 1):
        time.sleep(0.002)
        rest += track_swaps(name, 1)
    return {"ids": first + rest}


@formo_flush
def async_inside(request: flask.Request) -> dict[str, Any]:
    """Run coroutines in the function."""

    async def swap() -> list[str]:
        await asyncio.sleep(0)
        return track_swaps(*asked(request))

    return {"ids": asyncio.run(swap())}


@formo_flush
def streams(request: flask.Request) -> Any:
    """Answer with a body that tracks while it is sent, in the form that the path asks for."""
    name, count = asked(request)
    track_swaps(name, 1)

    def parts() -> Iterator[bytes]:
        yield b"first"
        time.sleep(float(request.args.get("pause", "0")))
        track_swaps(name, count - 1)
        yield b"last!"

    forms: dict[str, Any] = {
        "/fixed": lambda: flask.Response(b"".join(parts())),
        "/chunked": lambda: flask.Response(parts()),
        "/sized": lambda: flask.Response(parts(), headers={"Content-Length": "10"}),
        "/text": lambda: flask.Response((part.decode() for part in parts()), headers={"Content-Length": "10"}),
        "/generator": parts,
        "/tuple": lambda: (parts(), 201, {"X-Mark": "kept"}),
        "/sized-tuple": lambda: (parts(), {"Content-Length": "10"}),
        "/response-tuple": lambda: (flask.Response(parts()), 201, {"X-Mark": "kept", "Content-Length": "10"}),
        "/with-context": lambda: flask.Response(flask.stream_with_context(parts())),
    }
    return forms[request.path]()


@formo_flush
def hang(request: flask.Request) -> str:
    """Take longer than the function's timeout."""
    track_swaps(*asked(request))
    while True:
        time.sleep(0.01)
