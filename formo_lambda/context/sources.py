"""Read the end user's request from what a handler is given: one reader for each kind of source."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, quote_plus, urlsplit

from formo_lambda.signals import raised_by_signal_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Headers of one request that are read. Servers allow a hundred or so; a test's object may never end.
MAX_HEADERS = 1000

#: Characters that a path may have unquoted.
_PATH_SAFE = "/:@!$&'()*+,;=~"
_WEBSOCKET_SCHEMES = {"ws": "http", "wss": "https"}


class Request(NamedTuple):
    """One request of an end user.

    Attributes:
        headers: By lower-case name; the first value of a repeated one.
        scheme: "http" or "https", if the source has it. The headers of a proxy may say otherwise.
        host: Name and port, if the source has them.
        path: Percent-encoded.
        query: Percent-encoded, without the question mark.
    """

    headers: Mapping[str, str]
    scheme: str = ""
    host: str = ""
    path: str = ""
    query: str = ""


def lambda_edge(source: object) -> Request | None:
    """Read an event of Lambda@Edge."""
    records = source.get("Records") if isinstance(source, Mapping) else None
    if not isinstance(records, list) or not records or not isinstance(records[0], Mapping) or "cf" not in records[0]:
        return None
    cf = records[0]["cf"]
    request = cf["request"]
    headers = _headers((name, values[0]["value"]) for name, values in request["headers"].items() if values)
    # In requests to the origin, Host is the origin's domain. The end user asked for the distribution's.
    origin = request.get("origin")
    if isinstance(origin, Mapping) and headers.get("host") == _origin_domain(origin):
        headers["host"] = _text(cf.get("config", {}).get("distributionDomainName"))
    return Request(headers, scheme="https", path=_text(request.get("uri")), query=_text(request.get("querystring")))


def asgi_scope(source: object) -> Request | None:
    """Read an ASGI scope, or an object that behaves like one, such as Starlette's."""
    if isinstance(source, Mapping) and "type" in source and source["type"] in ("http", "websocket"):
        return _scope(source)
    return None


def wsgi_environ(source: object) -> Request | None:
    """Read a WSGI environ."""
    return _environ(source) if isinstance(source, Mapping) and "REQUEST_METHOD" in source else None


def aws_event(source: object) -> Request | None:
    """Read an event of API Gateway (format 1.0 or 2.0), a function URL or an Application Load Balancer."""
    if not isinstance(source, Mapping):
        return None
    headers = _mapping(source, "headers") or _mapping(source, "multiValueHeaders")
    # The headers are null in a request that has none.
    if not headers and "httpMethod" not in source and "rawPath" not in source:
        return None
    about = _mapping(source, "requestContext")
    return Request(
        _headers(headers.items()),
        scheme="https",
        host=_text(about.get("domainName")),
        # In a REST API's event, `path` lacks the stage that the end user's URL has.
        path=_text(source.get("rawPath")) or _text(about.get("path")) or _text(source.get("path")),
        query=_event_query(source, encoded="elb" in about),
    )


def framework_request(source: object) -> Request | None:
    """Read a framework's request object, by the attributes it has."""
    scope = _attribute(source, "scope")
    if isinstance(scope, Mapping) and "headers" in scope:  # Starlette, Quart, Litestar, Django under ASGI
        return _scope(scope)
    meta = _attribute(source, "META")
    if isinstance(meta, Mapping):  # Django, whose settings may know the scheme
        return _environ(meta, _text(_attribute(source, "scheme")))
    for name in ("environ", "env"):  # Flask, Pyramid, Bottle; Falcon
        environ = _attribute(source, name)
        if isinstance(environ, Mapping):
            return _environ(environ)
    original = _attribute(source, "to_original_event")
    if callable(original):  # Chalice
        return aws_event(original())
    items = _attribute(_attribute(source, "headers"), "items")
    return _headers_and_url(source, items()) if callable(items) else None


#: Tried in order: the readers that accept the fewest sources come first.
READERS: tuple[Callable[[object], Request | None], ...] = (
    lambda_edge,
    asgi_scope,
    wsgi_environ,
    aws_event,
    framework_request,
)


def _origin_domain(origin: Mapping[str, Any]) -> str:
    return next((_text(kind.get("domainName")) for kind in origin.values() if isinstance(kind, Mapping)), "")


def _scope(scope: Mapping[str, Any]) -> Request:
    path, root = _text(scope.get("path")), _text(scope.get("root_path")).rstrip("/")
    # Current servers include the root in the path, older ones do not.
    if root and path != root and not path.startswith(f"{root}/"):
        path = root + path
    scheme = _text(scope.get("scheme"))
    return Request(
        _headers(scope.get("headers") or ()),
        scheme=_WEBSOCKET_SCHEMES.get(scheme, scheme),
        path=quote(path, errors="replace", safe=_PATH_SAFE),
        query=_text(scope.get("query_string")),
    )


def _environ(environ: Mapping[str, Any], scheme: str = "") -> Request:
    headers = _headers(
        (name[5:].replace("_", "-"), value) for name, value in environ.items() if _text(name).startswith("HTTP_")
    )
    # WSGI decodes the bytes of paths as latin-1, whatever their encoding.
    path = _text(environ.get("SCRIPT_NAME")) + _text(environ.get("PATH_INFO"))
    return Request(
        headers,
        scheme=scheme or _text(environ.get("wsgi.url_scheme")),
        path=quote(path, encoding="latin-1", errors="replace", safe=_PATH_SAFE),
        query=_text(environ.get("QUERY_STRING")),
    )


def _event_query(source: Mapping[Any, Any], *, encoded: bool) -> str:
    raw = source.get("rawQueryString")
    if isinstance(raw, str):
        return raw
    parameters = _mapping(source, "multiValueQueryStringParameters") or _mapping(source, "queryStringParameters")
    pairs = [
        (_text(name), _text(value))
        for name, values in parameters.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    if not encoded:
        # API Gateway decodes the parameters, a load balancer does not.
        pairs = [(quote_plus(name, errors="replace"), quote_plus(value, errors="replace")) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in pairs)


def _headers_and_url(source: object, headers: Any) -> Request:
    """Read an object that has only headers and a URL: Azure's, aiohttp's, a BaseHTTPRequestHandler."""
    # A BaseHTTPRequestHandler has no URL; its path includes the query.
    url = _attribute(source, "url")
    target = _text(url) or (str(url) if hasattr(type(url), "with_query") else "") or _text(_attribute(source, "path"))
    if target.startswith("/"):
        path, _, query = target.partition("?")
        return Request(_headers(headers), path=path, query=query)
    try:
        parts = urlsplit(target)
    except ValueError:
        return Request(_headers(headers))
    host = parts.netloc.rpartition("@")[2]
    return Request(_headers(headers), parts.scheme, host, parts.path, parts.query)


def _headers(pairs: Iterable[tuple[object, object]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in islice(pairs, MAX_HEADERS):
        headers.setdefault(_text(name).lower(), _text(value))
    return headers


def _text(value: object) -> str:
    """Return a string, bytes, or the first element of a list of these, as a string; "" for anything else."""
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    if isinstance(value, (bytes, bytearray)):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _mapping(source: Mapping[Any, Any], name: str) -> Mapping[Any, Any]:
    value = source.get(name)
    return value if isinstance(value, Mapping) else {}


def _attribute(source: object, name: str) -> Any:
    handled = sys.exc_info()[1]
    try:
        return getattr(source, name, None)
    except Exception as error:  # a proxy used outside its request, such as Flask's, may raise anything
        if raised_by_signal_handler(error, handled):
            raise
        return None
