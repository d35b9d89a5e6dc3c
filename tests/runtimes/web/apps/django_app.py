"""A Django project in one file, with the middleware around its WSGI and its ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from formo_lambda.asgi import FormoFlushMiddleware as AsgiMiddleware
from formo_lambda.wsgi import FormoFlushMiddleware as WsgiMiddleware
from tests.runtimes.web.apps.swaps import FILE, stream, swap

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="not-a-secret")
django.setup()


def fixed(request: HttpRequest, name: str) -> HttpResponseBase:
    """Answer with a body of known length."""
    swap(name, 0)
    return HttpResponse(b"fixed")


async def asynchronous(request: HttpRequest, name: str) -> HttpResponseBase:
    """Answer from a coroutine."""
    swap(name, 0)
    return HttpResponse(b"fixed")


def streamed(request: HttpRequest, name: str) -> HttpResponseBase:
    """Answer with a stream."""
    swap(name, 0)
    return StreamingHttpResponse(stream(name))


def file(request: HttpRequest, name: str) -> HttpResponseBase:
    """Answer with a file."""
    swap(name, 0)
    return FileResponse(FILE.open("rb"))


urlpatterns = [
    path("fixed/<name>", fixed),
    path("asynchronous/<name>", asynchronous),
    path("stream/<name>", streamed),
    path("file/<name>", file),
]
wsgi = WsgiMiddleware(get_wsgi_application())  # pyright: ignore[reportArgumentType] # Django ships no types
asgi = AsgiMiddleware(get_asgi_application())
