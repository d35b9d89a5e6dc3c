"""Two web applications under the middleware: each request tracks ten events and answers with their message ids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from formo_lambda import FormoAnalytics
from formo_lambda.asgi import FormoFlushMiddleware as FlushingAsgi
from formo_lambda.wsgi import FormoFlushMiddleware as FlushingWsgi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: A setting of gunicorn's, which reads this module: no socket in the user's home.
control_socket_disable = True

analytics = FormoAnalytics()


def _answer(path: str) -> bytes:
    if path == "/stats":
        return json.dumps(analytics.stats._asdict()).encode()
    return json.dumps([analytics.track("SwapCompleted", properties={"number": n}) for n in range(10)]).encode()


async def _asgi(scope: dict[str, Any], receive: Any, send: Callable[[Any], Any]) -> None:
    body = _answer(scope["path"])
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


def _wsgi(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    body = _answer(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


asgi = FlushingAsgi(_asgi)
wsgi = FlushingWsgi(_wsgi)
