"""The URLs of the page and of its referrer, without secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from formo_lambda.context.redaction import encoded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from formo_lambda.context.redaction import Redaction
    from formo_lambda.context.sources import Request

#: Most characters of a path and a query. Longer ones are left out, to keep events small.
MAX_PATH = 2048
MAX_QUERY = 4096

_HOST = re.compile(r"([a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?)\.?(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class Page(NamedTuple):
    """The parts of a page's URL.

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
    """Return the page as the end user's browser shows it: scheme and host come from a proxy's headers, if there are."""
    headers = request.headers
    scheme = _first(headers, "cloudfront-forwarded-proto", "x-forwarded-proto") or request.scheme or "http"
    host = _first(headers, "x-forwarded-host") or request.host or headers.get("host", "")
    return _page(scheme, host, request.path, request.query, redaction)


def referrer_of(request: Request, page: Page, redaction: Redaction) -> str:
    """Return the URL the end user came from; empty if it has the same host as the page."""
    try:
        parts = urlsplit(request.headers.get("referer", "").strip())
    except ValueError:
        return ""
    if parts.scheme == "android-app" and re.fullmatch(r"[\w.]{1,255}", parts.netloc):
        return f"android-app://{parts.netloc}/"
    from_page = _page(parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, redaction)
    return "" if from_page.host == page.host else from_page.url


def _page(scheme: str, authority: str, path: str, query: str, redaction: Redaction) -> Page:
    # A path may contain a query or a fragment by mistake.
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
    """Whether a host is a network address: to browsers, that is every host whose last part is a number, even in hex."""
    return bool(re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]))


def _first(headers: Mapping[str, str], *names: str) -> str:
    """Return the first value of the first header that has one: the one the outermost proxy wrote."""
    for name in names:
        value = headers.get(name, "").partition(",")[0].strip()
        if value:
            return value
    return ""
