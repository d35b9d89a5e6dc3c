"""A class of request handlers, with methods of every origin."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from formo_lambda import FormoAnalytics, formo_flush

if TYPE_CHECKING:
    from collections.abc import Callable

analytics = FormoAnalytics()


class Inherited(BaseHTTPRequestHandler):
    """A base class with a method of its own."""

    def do_DELETE(self) -> None:
        """Answer by the base class."""
        self.answer()

    def do_PUT(self) -> None:
        """Answer by the base class, reached by super()."""
        self.answer()

    def answer(self) -> None:
        """Track two swaps named after the path, one of them after the answer, and answer with the length known."""
        name = urlsplit(self.path).path.strip("/")
        analytics.track("Swap Completed", properties={"invocation": name, "number": 0})
        if name == "slow":
            time.sleep(0.3)
        self.send_response(200)
        body = f"{self.command} {name}".encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        analytics.track("Swap Completed", properties={"invocation": name, "number": 1})
        if name == "failing":
            raise LookupError("no such pool")


@formo_flush
class handler(Inherited):  # noqa: N801 -- the name that Vercel looks for
    """The function."""

    def do_GET(self) -> None:
        """Answer by a method of the class itself."""
        self.answer()

    def do_PUT(self) -> None:
        """Answer by super()."""
        super().do_PUT()

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Answer by what is not there."""
        if name == "do_PATCH":
            return self.answer
        raise AttributeError(name)

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""
