"""The URL the end user asked for, and the one the end user came from, without what is secret in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from formo_lambda.context.redaction import encoded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from formo_lambda.context.redaction import Redaction
    from formo_lambda.context.request import Request

#: Characters of the longest path and query that are sent: what is longer is left out, so that an event stays small.
MAX_PATH = 2048
MAX_QUERY = 4096

_HOST = re.compile(r"([a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?)\.?(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class Page(NamedTuple):
    """Where a page is.

    Attributes:
        origin: Scheme and host, such as "https://app.example"; empty if they are not known, or the host is a number.
        host: The host's name without its port.
        path: Percent-encoded, without secrets.
        query: Percent-encoded, without secrets.
    """

    origin: str
    host: str
    path: str
    query: str

    @property
    def url(self) -> str:
        """The whole URL; empty without an origin."""
        return (self.origin + (self.path or "/") + (f"?{self.query}" if self.query else "")) if self.origin else ""


def page_of(request: Request, redaction: Redaction) -> Page:
    """Return the page that was asked for, as the end user sees it: proxies tell in headers what they were asked."""
    headers = request.headers
    scheme = _first(headers, "cloudfront-forwarded-proto", "x-forwarded-proto") or request.scheme or "http"
    host = _first(headers, "x-forwarded-host") or request.host or headers.get("host", "")
    return _page(scheme, host, request.path, request.query, redaction)


def referrer_of(request: Request, page: Page, redaction: Redaction) -> str:
    """Return the URL the end user came from; empty if it is one of the same host, which brought nobody here."""
    try:
        parts = urlsplit(request.headers.get("referer", "").strip())
    except ValueError:
        return ""
    if parts.scheme == "android-app" and re.fullmatch(r"[\w.]{1,255}", parts.netloc):
        return f"android-app://{parts.netloc}/"
    from_page = _page(parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, redaction)
    return "" if from_page.host == page.host else from_page.url


def _page(scheme: str, authority: str, path: str, query: str, redaction: Redaction) -> Page:
    # Where a query or a fragment got into the path, it must not pass for one.
    path, _, rest = path.partition("#")[0].partition("?")
    query = (query or rest).partition("#")[0]
    path = redaction.path(encoded(path)) if len(path) <= MAX_PATH else ""
    query = redaction.query(encoded(query)) if len(query) <= MAX_QUERY else ""
    scheme = scheme.lower()
    found = _HOST.fullmatch(authority.strip().lower())
    if found is None or scheme not in _DEFAULT_PORTS or _is_number(found[1]):
        return Page("", "", path, query)
    port = "" if found[2] in (None, _DEFAULT_PORTS[scheme]) else f":{found[2]}"
    return Page(f"{scheme}://{found[1]}{port}", found[1], path, query)


def _is_number(host: str) -> bool:
    """Whether a host is a network address: browsers take any that ends in a number, in hexadecimal too, for one."""
    return bool(re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]))


def _first(headers: Mapping[str, str], *names: str) -> str:
    """Return the first value that the first of some headers lists: what the outermost proxy was asked."""
    for name in names:
        value = headers.get(name, "").partition(",")[0].strip()
        if value:
            return value
    return ""
