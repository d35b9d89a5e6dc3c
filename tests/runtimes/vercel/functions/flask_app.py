"""A Flask application, decorated as an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response

from formo_lambda import FormoAnalytics, formo_flush

if TYPE_CHECKING:
    from collections.abc import Iterator

analytics = FormoAnalytics()

app = Flask(__name__)


@app.get("/fixed/<name>")
def fixed(name: str) -> str:
    """Answer with a body of known length."""
    analytics.track("Swap Completed", properties={"invocation": name, "number": 0})
    return "fixed"


@app.get("/stream/<name>")
def stream(name: str) -> Response:
    """Answer with a stream that tracks with its last part, and after it."""

    def parts() -> Iterator[str]:
        yield "one "
        analytics.track("Swap Completed", properties={"invocation": name, "number": 0})
        yield "two"
        analytics.track("Swap Completed", properties={"invocation": name, "number": 1})

    return Response(parts(), mimetype="text/plain")


app = formo_flush(app)
