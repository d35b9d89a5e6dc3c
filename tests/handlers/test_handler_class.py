"""A decorated class of request handlers, under the server of the standard library."""

from __future__ import annotations

import contextlib
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import FormoAnalytics, formo_flush
from tests.client.recorded import names

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.testing import RecordingTransport


class Quiet(BaseHTTPRequestHandler):
    """Handlers that log nothing."""

    def log_message(self, *args: object) -> None:
        """Log nothing."""

    def answer(self, text: str) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


def ask(handler: type[BaseHTTPRequestHandler], method: str) -> str:
    """Send one request to a handler of this class; return the answer once the handler is done with it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = False  # so that closing the server waits for the handler
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            with contextlib.closing(http.client.HTTPConnection(*server.server_address[:2], timeout=5)) as connection:  # type: ignore[arg-type] # host and port
                connection.request(method, "/")
                return connection.getresponse().read().decode()
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def tracking(client: FormoAnalytics) -> type[BaseHTTPRequestHandler]:
    """Make a class with methods of every origin, each of which tracks its name after it has answered."""

    class Base(Quiet):
        def finish_with(self, name: str) -> None:
            self.answer(name)
            client.track(name)

        def do_DELETE(self) -> None:
            self.finish_with("inherited")

        def do_PUT(self) -> None:
            self.finish_with("by super")

    @formo_flush
    class Handler(Base):
        def do_GET(self) -> None:
            self.finish_with("own")

        def do_PUT(self) -> None:
            super().do_PUT()

        @staticmethod
        def do_TRACE() -> None:
            client.track("static")

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name == "do_PATCH":
                return lambda: self.finish_with("found")
            raise AttributeError(name)

    return Handler


@pytest.mark.parametrize(
    ("method", "name"), [("GET", "own"), ("DELETE", "inherited"), ("PUT", "by super"), ("PATCH", "found")]
)
def test_each_method_is_an_invocation(
    tracking: type[BaseHTTPRequestHandler], transport: RecordingTransport, method: str, name: str
) -> None:
    """However the class comes by its method, its events are sent when it returns, in one request."""
    assert ask(tracking, method) == name
    assert names(transport) == [name]


def test_a_static_method_stays_one(tracking: Any, transport: RecordingTransport) -> None:
    """A method without self is called as before."""
    tracking.do_TRACE(object.__new__(tracking))
    assert names(transport) == ["static"]


def test_an_unknown_method_stays_unknown(tracking: type[BaseHTTPRequestHandler]) -> None:
    """What the class does not have it does not get."""
    assert "501" in ask(tracking, "OPTIONS")
    assert not hasattr(tracking, "do_OPTIONS")


def test_the_class_stays_the_same() -> None:
    """Decoration returns the class itself; its methods keep name, documentation and signature, its base too."""

    class Base(Quiet):
        def do_GET(self) -> None:
            """Answer."""

    class Handler(Base):
        def do_POST(self) -> None:
            """Take."""

    base_method = Base.do_GET
    decorated = formo_flush(Handler)

    assert decorated is Handler
    assert issubclass(decorated, BaseHTTPRequestHandler)
    assert (Handler.__name__, Handler.__mro__[1]) == ("Handler", Base)
    assert (Handler.do_POST.__name__, Handler.do_POST.__doc__) == ("do_POST", "Take.")
    assert Handler.do_GET.__qualname__.endswith("Handler.do_GET")
    assert Base.do_GET is base_method


def test_options_hold_for_each_method(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A class decorated with options has them in all its methods."""

    @formo_flush(on_exception="discard")
    class Handler(Quiet):
        def do_GET(self) -> None:
            self.answer("x")
            client.track("Failed")
            raise ConnectionResetError  # the server keeps quiet about nothing else

        def handle_error(self) -> None:
            """Keep quiet."""

    with contextlib.redirect_stderr(None):
        ask(Handler, "GET")

    assert transport.requests == []
    assert client.stats.discarded == 1


@pytest.mark.parametrize("kind", [int, type("Plain", (), {}), type("Callable", (), {"__call__": lambda self: None})])
def test_other_classes_are_refused(kind: type) -> None:
    """A class that handles no requests is a TypeError that says what to decorate."""
    with pytest.raises(TypeError, match="decorate the method that is called for each request, or an instance"):
        formo_flush(kind)
