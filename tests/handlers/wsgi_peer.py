"""The server's side of one WSGI request, which notes how much had arrived whenever it was handed something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from formo_lambda.testing import RecordingTransport

    Application = Callable[..., Any]


class Peer:
    """Calls an application as PEP 3333 has it.

    Args:
        transport: Where the events of the application arrive.
        environ: What the environ has beside the usual.
    """

    def __init__(self, transport: RecordingTransport, **environ: Any) -> None:
        self.environ: dict[str, Any] = dict(environ)
        setup_testing_defaults(self.environ)
        #: What came ("head", each part, "end", "closed"), with the number of events that had arrived by then.
        self.seen: list[tuple[str, int]] = []
        #: The heads, as they came.
        self.heads: list[tuple[Any, ...]] = []
        self._transport = transport

    def note(self, what: str) -> None:
        """Note that something came."""
        self.seen.append((what, len(self._transport.events)))

    def start_response(self, *head: Any) -> Callable[[bytes], None]:
        """Take a head."""
        self.heads.append(head)
        self.note("head")
        return lambda data: self.note(data.decode())

    def call(self, app: Application) -> Iterable[bytes]:
        """Call the application; return its body."""
        body: Iterable[bytes] = app(self.environ, self.start_response)
        return body

    def run(self, app: Application) -> None:
        """Call the application, send its whole body, and close it."""
        body = self.call(app)
        try:
            for data in body:
                self.note(data.decode())
            self.note("end")
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
            self.note("closed")
