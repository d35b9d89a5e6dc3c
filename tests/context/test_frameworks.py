"""The request objects of real frameworks tell what any source tells."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import azure.functions
import flask
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from formo_lambda import request_context
from tests.context import sources
from tests.context.sources import CLIENT, EXPECTED, HEADERS, QUERY
from tests.package.project import ROOT


def test_flask_request() -> None:
    """Flask's request, the proxy that views use, tells what its environ tells."""
    app = flask.Flask("app")
    with app.request_context(sources.environ()):
        assert request_context(flask.request) == EXPECTED


def test_flask_request_outside_a_view() -> None:
    """Flask's request proxy, used where there is no request, tells nothing and raises nothing."""
    assert request_context(flask.request) == {}


def test_starlette_request() -> None:
    """Starlette's request, which FastAPI uses, tells what its scope tells."""
    assert request_context(Request(sources.scope())) == EXPECTED


def test_starlette_request_under_a_mount() -> None:
    """A request in a mounted application tells the whole path once, as Starlette routes it."""

    async def swap(request: Request) -> JSONResponse:
        return JSONResponse(request_context(request))

    app = Starlette(routes=[Mount("/app", routes=[Route("/swap", swap)])])
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(sources.scope() | {"path": "/app/swap", "raw_path": b"/app/swap"}, receive, send))
    assert json.loads(sent[1]["body"])["page_path"] == "/app/swap"


@pytest.mark.parametrize("without", ["X-Forwarded", "Host"])
def test_azure_request(without: str) -> None:
    """An HttpRequest of Azure Functions tells what its URL and its headers tell."""
    headers = {name: value for name, value in HEADERS.items() if not name.startswith(without)}
    request = azure.functions.HttpRequest(
        "GET",
        f"https://app.example.com/swap?{QUERY}",
        headers=headers | {"X-Azure-ClientIP": CLIENT},
        params={"ref": "joe"},
        body=b"",
    )
    assert request_context(request) == EXPECTED


DJANGO = """
import json
from django.conf import settings
settings.configure(SECURE_PROXY_SSL_HEADER=("HTTP_X_DONE_BY", "https"))
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from io import BytesIO
from formo_lambda import request_context
from tests.context import sources

environ = sources.environ() | {"HTTP_X_DONE_BY": "https"}
del environ["HTTP_X_FORWARDED_PROTO"]
print(json.dumps([
    request_context(WSGIRequest(environ)),
    request_context(ASGIRequest(sources.scope(), BytesIO())),
]))
"""


def test_django_request() -> None:
    """Django's requests under WSGI and ASGI tell the same, with the scheme that its settings decide."""
    # In a process of its own: its settings can be made only once.
    run = subprocess.run(
        [sys.executable, "-c", DJANGO], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    assert json.loads(run.stdout) == [EXPECTED, EXPECTED]
