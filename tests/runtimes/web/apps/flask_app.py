"""A Flask application with the middleware, as Flask's documentation adds one."""

from __future__ import annotations

from flask import Flask, Response, send_file

from formo_lambda.wsgi import FormoFlushMiddleware
from tests.runtimes.web.apps.swaps import FILE, PARTS, endless, stream, swap

app = Flask(__name__)
app.wsgi_app = FormoFlushMiddleware(app.wsgi_app)  # type: ignore[method-assign] # as Flask's documentation does


@app.get("/fixed/<name>")
def fixed(name: str) -> str:
    """Answer with a body of known length."""
    swap(name, 0)
    return "fixed"


@app.get("/stream/<name>")
def streamed(name: str) -> Response:
    """Answer with a stream."""
    swap(name, 0)
    return Response(stream(name), mimetype="text/plain")


@app.get("/sized/<name>")
def sized(name: str) -> Response:
    """Answer with a stream whose length is known."""
    swap(name, 0)
    response = Response(stream(name), mimetype="text/plain")
    response.content_length = len("".join(PARTS))
    return response


@app.get("/file/<name>")
def file(name: str) -> Response:
    """Answer with a file."""
    swap(name, 0)
    return send_file(FILE)


@app.get("/endless/<name>")
def without_end(name: str) -> Response:
    """Answer with a stream that only a client's leaving ends."""
    swap(name, 0)
    return Response(endless(name), mimetype="text/plain")


@app.get("/failing/<name>")
def failing(name: str) -> str:
    """Raise after tracking."""
    swap(name, 0)
    raise LookupError("no such pool")


@app.get("/nothing/<name>")
def nothing(name: str) -> tuple[str, int]:
    """Answer without a body."""
    swap(name, 0)
    return "", 204
