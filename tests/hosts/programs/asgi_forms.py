"""One application in each form that ASGI applications have, each a handler of its own.

Every answer has the form's name as its body, and one event of that name.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from formo_lambda import FormoAnalytics, formo_flush

analytics = FormoAnalytics()


async def answer(name: str, send: Any) -> None:
    """Track an event, and answer in two parts without telling the length."""
    analytics.track("Answered", properties={"form": name})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": name.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def serve(name: str, scope: Any, receive: Any, send: Any) -> None:
    """Serve one connection, or the life of the process."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "http":
        await answer(name, send)


@formo_flush
async def function(scope: Any, receive: Any, send: Any) -> None:
    """Be a function."""
    await serve("function", scope, receive, send)


class _Object:
    """Be an object, with attributes that its users need."""

    name = "object"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await serve(self.name, scope, receive, send)


an_object = formo_flush(_Object())


def _falcon() -> Any:
    import falcon.asgi

    class Resource:
        """Answer."""

        async def on_get(self, request: Any, response: Any) -> None:
            """Answer."""
            analytics.track("Answered", properties={"form": "falcon"})
            response.text = "falcon"

    app = falcon.asgi.App()
    app.add_route("/", Resource())
    return app


def _litestar() -> Any:
    litestar = importlib.import_module("litestar")

    @litestar.get("/", media_type="text/plain")
    async def index() -> str:
        analytics.track("Answered", properties={"form": "litestar"})
        return "litestar"

    return litestar.Litestar([index])


def _django() -> Any:
    django = importlib.import_module("django")
    conf, http, urls = (importlib.import_module(f"django.{name}") for name in ("conf", "http", "urls"))

    async def index(request: Any) -> Any:
        analytics.track("Answered", properties={"form": "django"})
        return http.HttpResponse("django")

    conf.settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=type("urls", (), {"urlpatterns": [urls.path("", index)]}))
    django.setup()
    return importlib.import_module("django.core.asgi").get_asgi_application()


if os.environ.get("FORM") in ("falcon", "litestar", "django"):
    framework = formo_flush(globals()[f"_{os.environ['FORM']}"]())
