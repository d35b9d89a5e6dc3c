"""A bare WSGI function, with bodies of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formo_lambda import FormoAnalytics, formo_flush

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

analytics = FormoAnalytics()


def swap(name: str, number: int) -> None:
    """Track one swap of the request."""
    analytics.track("Swap Completed", properties={"invocation": name, "number": number})


class Body:
    """A body that tracks at its last part, and once more when it is closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.parts = iter([b"one ", b"two ", b"three"])

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over itself."""
        return self

    def __next__(self) -> bytes:
        """Give the next part."""
        part = next(self.parts)
        if part == b"three":
            swap(self.name, 1)
        return part

    def close(self) -> None:
        """Track once more."""
        swap(self.name, 2)


@formo_flush
def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with a list, with a stream, or with a stream whose length is known."""
    kind, _, name = environ["PATH_INFO"].strip("/").partition("/")
    swap(name, 0)
    headers = [("Content-Type", "text/plain")]
    if kind == "list":
        start_response("200 OK", [*headers, ("Content-Length", "4")])
        return [b"list"]
    if kind == "sized":
        headers.append(("Content-Length", "13"))
    start_response("200 OK", headers)
    return Body(name)
