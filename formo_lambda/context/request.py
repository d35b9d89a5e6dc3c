"""What every source is reduced to: the headers and the URL of one request."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Headers of one request that are looked at. Servers allow a hundred or so; an object of a test may have no end.
MAX_HEADERS = 1000


class Request(NamedTuple):
    """One request of an end user.

    Attributes:
        headers: By lower-case name; of a repeated one the first.
        scheme: "http" or "https", as far as the source knows; proxies may have said otherwise in the headers.
        host: Name and port, as far as the source knows.
        path: Percent-encoded.
        query: Percent-encoded, without the question mark.
    """

    headers: Mapping[str, str]
    scheme: str = ""
    host: str = ""
    path: str = ""
    query: str = ""


def text(value: object) -> str:
    """Return a string, bytes or the first of a list of such as a string; anything else as an empty one."""
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    if isinstance(value, (bytes, bytearray)):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def headers_of(pairs: Iterable[tuple[object, object]]) -> dict[str, str]:
    """Return headers by lower-case name, of a repeated one the first."""
    headers: dict[str, str] = {}
    for name, value in islice(pairs, MAX_HEADERS):
        headers.setdefault(text(name).lower(), text(value))
    return headers
