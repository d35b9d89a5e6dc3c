"""Read an ASGI scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from formo_lambda.context.request import Request, headers_of, text

_SCHEMES = {"ws": "http", "wss": "https"}


def read(source: object) -> Request | None:
    """Return the request of an ASGI scope, or of what behaves as one (Starlette's), None for anything else."""
    if isinstance(source, Mapping) and "type" in source and source["type"] in ("http", "websocket"):
        return read_scope(source)
    return None


def read_scope(scope: Mapping[str, Any]) -> Request:
    """Return the request of an ASGI scope."""
    path, root = text(scope.get("path")), text(scope.get("root_path")).rstrip("/")
    # By now the path includes the root; older servers left it out.
    if root and path != root and not path.startswith(f"{root}/"):
        path = root + path
    scheme = text(scope.get("scheme"))
    return Request(
        headers_of(scope.get("headers") or ()),
        scheme=_SCHEMES.get(scheme, scheme),
        path=quote(path, errors="replace", safe="/:@!$&'()*+,;=~"),
        query=text(scope.get("query_string")),
    )
