"""Read a WSGI environ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from formo_lambda.context.request import Request, headers_of, text


def read(source: object) -> Request | None:
    """Return the request of a WSGI environ, None for anything else."""
    if isinstance(source, Mapping) and "REQUEST_METHOD" in source:
        return read_environ(source)
    return None


def read_environ(environ: Mapping[str, Any], scheme: str = "") -> Request:
    """Return the request of a WSGI environ, or of something much like it.

    Args:
        environ: The environ.
        scheme: "http" or "https", where somebody knows better than the environ.
    """
    headers = headers_of(
        (name[5:].replace("_", "-"), value) for name, value in environ.items() if text(name).startswith("HTTP_")
    )
    # Its paths are bytes that were decoded as latin-1, whatever they mean.
    path = text(environ.get("SCRIPT_NAME")) + text(environ.get("PATH_INFO"))
    return Request(
        headers,
        scheme=scheme or text(environ.get("wsgi.url_scheme")),
        path=quote(path, encoding="latin-1", errors="replace", safe="/:@!$&'()*+,;=~"),
        query=text(environ.get("QUERY_STRING")),
    )
