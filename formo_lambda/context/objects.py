"""Read the request objects of frameworks, by the attributes they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from formo_lambda.context import aws
from formo_lambda.context.environ import read_environ
from formo_lambda.context.request import Request, headers_of, text
from formo_lambda.context.scope import read_scope


def read(source: object) -> Request | None:
    """Return the request of a framework's object, None for anything else."""
    scope = _attribute(source, "scope")
    if isinstance(scope, Mapping) and "headers" in scope:  # Starlette, Quart, Litestar, Django under ASGI
        return read_scope(scope)
    meta = _attribute(source, "META")
    if isinstance(meta, Mapping):  # Django, whose settings may know the scheme
        return read_environ(meta, text(_attribute(source, "scheme")))
    for name in ("environ", "env"):  # Flask, Pyramid, Bottle; Falcon
        environ = _attribute(source, name)
        if isinstance(environ, Mapping):
            return read_environ(environ)
    original = _attribute(source, "to_original_event")
    if callable(original):  # Chalice
        return aws.read(original())
    items = _attribute(_attribute(source, "headers"), "items")
    return _plain(source, items()) if callable(items) else None


def _plain(source: object, headers: Any) -> Request:
    """Read an object with nothing but headers and a URL: Azure's, aiohttp's, a BaseHTTPRequestHandler."""
    # A handler's path is the request target, with the query; it has no URL.
    url = _attribute(source, "url")
    target = text(url) or (str(url) if hasattr(type(url), "with_query") else "") or text(_attribute(source, "path"))
    if target.startswith("/"):
        path, _, query = target.partition("?")
        return Request(headers_of(headers), path=path, query=query)
    try:
        parts = urlsplit(target)
    except ValueError:
        return Request(headers_of(headers))
    host = parts.netloc.rpartition("@")[2]
    return Request(headers_of(headers), parts.scheme, host, parts.path, parts.query)


def _attribute(source: object, name: str) -> Any:
    try:
        return getattr(source, name, None)
    except Exception:  # noqa: BLE001 -- a proxy outside its request, such as Flask's, raises whatever it likes
        return None
