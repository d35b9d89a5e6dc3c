"""Read events of Lambda@Edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from formo_lambda.context.request import Request, headers_of, text


def read(source: object) -> Request | None:
    """Return the request in an event of CloudFront, None for anything else."""
    if not isinstance(source, Mapping):
        return None
    records = source.get("Records")
    if not isinstance(records, list) or not records or not isinstance(records[0], Mapping) or "cf" not in records[0]:
        return None
    cf = records[0]["cf"]
    request = cf["request"]
    headers = headers_of((name, values[0]["value"]) for name, values in request["headers"].items() if values)
    # On the way to the origin the host is the origin's own; the end user asked for the distribution's.
    if isinstance(request.get("origin"), Mapping) and headers.get("host") == _domain(request["origin"]):
        headers["host"] = text(cf.get("config", {}).get("distributionDomainName"))
    return Request(
        headers,
        scheme="https",
        path=text(request.get("uri")),
        query=text(request.get("querystring")),
    )


def _domain(origin: Mapping[str, Any]) -> str:
    return next((text(kind.get("domainName")) for kind in origin.values() if isinstance(kind, Mapping)), "")
