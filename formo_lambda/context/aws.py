"""Read events of API Gateway (payload formats 1.0 and 2.0), function URLs and Application Load Balancers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from formo_lambda.context.request import Request, headers_of, text


def read(source: object) -> Request | None:
    """Return the request in an event that has headers, None for anything else."""
    if not isinstance(source, Mapping):
        return None
    headers = _mapping(source, "headers") or _mapping(source, "multiValueHeaders")
    # For a request without a single header there is null.
    if not headers and "httpMethod" not in source and "rawPath" not in source:
        return None
    about = _mapping(source, "requestContext")
    return Request(
        headers_of(headers.items()),
        scheme="https",
        host=text(about.get("domainName")),
        # A REST API's own path lacks the stage that the end user's has.
        path=text(source.get("rawPath")) or text(about.get("path")) or text(source.get("path")),
        query=_query(source, encoded="elb" in about),
    )


def _query(source: Mapping[Any, Any], *, encoded: bool) -> str:
    raw = source.get("rawQueryString")
    if isinstance(raw, str):
        return raw
    parameters = _mapping(source, "multiValueQueryStringParameters") or _mapping(source, "queryStringParameters")
    pairs = [
        (text(name), text(value))
        for name, values in parameters.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    if not encoded:
        # API Gateway has decoded them, a load balancer has not.
        pairs = [(_quoted(name), _quoted(value)) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in pairs)


def _quoted(part: str) -> str:
    return quote_plus(part, errors="replace")


def _mapping(source: Mapping[Any, Any], name: str) -> Mapping[Any, Any]:
    value = source.get(name)
    return value if isinstance(value, Mapping) else {}
