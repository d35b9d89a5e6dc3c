"""Application objects of frameworks, decorated in place."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from formo_lambda import FormoAnalytics, formo_flush
from tests.client.recorded import names
from tests.handlers.asgi_peer import Peer
from tests.handlers.wsgi_peer import Peer as WsgiPeer

if TYPE_CHECKING:
    from starlette.requests import Request

    from formo_lambda.testing import RecordingTransport


def test_flask_stays_flask(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A decorated Flask application is the same object, and its requests are flushed with the options given."""
    app = flask.Flask("app")

    @app.get("/")
    def view() -> str:
        client.track("Viewed")
        return "done"

    decorated = formo_flush(idempotency=lambda environ: str(environ["PATH_INFO"]))(app)
    for _ in range(2):
        peer = WsgiPeer(transport)
        peer.run(app)

    assert decorated is app
    assert peer.seen == [("head", 1), ("done", 2), ("end", 2), ("closed", 2)]
    assert len(transport.unique_events) == 1


def test_starlette_stays_starlette(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A decorated Starlette application is the same object, routes and all; its requests have the options given."""

    async def view(request: Request) -> PlainTextResponse:
        client.track("Viewed")
        return PlainTextResponse("done")

    app = Starlette(routes=[Route("/", view)])
    decorated = formo_flush(idempotency=lambda scope: str(scope["path"]))(app)
    for _ in range(2):
        peer = Peer(transport)
        peer.run(app)

    assert decorated is app
    assert len(transport.unique_events) == 1
    assert [route.path for route in app.routes if isinstance(route, Route)] == ["/"]
    assert peer.sent == [("http.response.start", 1), ("http.response.body", 2)]


def test_quart_stays_quart(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """An application whose ASGI side is a method, as Quart's is, has that wrapped, and stays the same object."""

    class Quart:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.asgi_app(scope, receive, send)

        async def asgi_app(self, scope: Any, receive: Any, send: Any) -> None:
            client.track("Viewed")

    app = Quart()
    assert formo_flush(app) is app
    asyncio.run(Peer(transport).call(app))

    assert names(transport) == ["Viewed"]


def test_twice_decorated_is_flushed_once(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Decorating an application again changes nothing but who flushes."""
    app = flask.Flask("app")

    @app.get("/")
    def view() -> str:
        client.track("Viewed")
        return "done"

    formo_flush(formo_flush(app))
    WsgiPeer(transport).run(app)

    assert len(transport.requests) == 1
