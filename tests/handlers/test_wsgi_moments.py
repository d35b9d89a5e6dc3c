"""The moments at which the WSGI middleware flushes."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper

import pytest

from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.invocation.scope import current_scope
from formo_lambda.wsgi import FormoFlushMiddleware
from tests.client.recorded import names
from tests.handlers.wsgi_peer import Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from formo_lambda.testing import RecordingTransport


class Body:
    """A body of three parts that tracks before each, after the last, and when it is closed."""

    def __init__(self, client: FormoAnalytics) -> None:
        self.client = client
        self.parts = iter([b"one", b"two", b"three"])
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over itself."""
        return self

    def __next__(self) -> bytes:
        """Track, and give the next part."""
        self.client.track("Iterated")
        return next(self.parts)

    def close(self) -> None:
        """Track."""
        self.closed += 1
        self.client.track("Closed")


def answering(client: FormoAnalytics, body: Any, *headers: tuple[str, str], status: str = "200 OK") -> Any:
    """Return an application that tracks one event and returns the body."""

    def app(environ: Any, start_response: Any) -> Any:
        client.track("Called")
        start_response(status, list(headers))
        return body

    return FormoFlushMiddleware(app)


def halves(client: FormoAnalytics) -> Callable[[Any, Any], Iterator[bytes]]:
    """Return an application that is a generator function: its head comes with the first of two parts."""

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        client.track("Begun")
        start_response("200 OK", [("Content-Length", "6")])
        yield b"one"
        client.track("Half")
        yield b"two"
        client.track("Over")

    return app


def test_before_a_list_is_returned(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A body that is complete is handed on as the same object, all events before it."""
    body = [b"done"]
    peer = Peer(transport)

    assert peer.call(answering(client, body)) is body
    assert peer.seen == [("head", 0)]
    assert names(transport) == ["Called"]


def test_before_the_end_of_a_stream(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A stream goes out part by part; its events are sent before the server gets its end, the rest at its close."""
    peer = Peer(transport)
    peer.run(answering(client, Body(client)))

    assert peer.seen == [("head", 0), ("one", 0), ("two", 0), ("three", 0), ("end", 5), ("closed", 6)]


def test_before_the_part_that_reaches_the_content_length(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """The client has all it waits for at that part, so events are sent before it."""
    peer = Peer(transport)
    peer.run(answering(client, Body(client), ("Content-Length", "11")))

    assert peer.seen == [("head", 0), ("one", 0), ("two", 0), ("three", 4), ("end", 5), ("closed", 6)]


@pytest.mark.parametrize(
    ("method", "status", "headers"),
    [
        ("HEAD", "200 OK", [("content-length", "11")]),
        ("GET", "204 No Content", []),
        ("GET", "304 Not Modified", []),
        ("POST", "201 Created", [("Content-Length", "0")]),
    ],
)
def test_before_a_head_that_is_the_whole_response(
    client: FormoAnalytics,
    transport: RecordingTransport,
    method: str,
    status: str,
    headers: list[tuple[str, str]],
) -> None:
    """Some servers send the head at once: where no body follows, events are sent before it."""
    peer = Peer(transport, REQUEST_METHOD=method)
    peer.run(answering(client, Body(client), *headers, status=status))

    assert peer.seen[0] == ("head", 1)
    assert peer.seen[-2:] == [("end", 5), ("closed", 6)]


def test_a_head_that_comes_with_the_first_part(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A generator that calls start_response when it is iterated has its length known all the same."""
    peer = Peer(transport)
    peer.run(FormoFlushMiddleware(halves(client)))

    assert peer.seen == [("head", 0), ("one", 0), ("two", 2), ("end", 3), ("closed", 3)]


def test_before_what_is_written_completes_the_response(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """The `write` callable is observed as the parts of a body are."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [("Content-Length", "6")])
        client.track("First")
        write(b"one")
        client.track("Second")
        write(b"two")
        client.track("Third")
        return []

    peer = Peer(transport)
    peer.run(FormoFlushMiddleware(app))

    assert peer.seen == [("head", 0), ("one", 0), ("two", 2), ("end", 3), ("closed", 3)]


def test_a_file_wrapper_stays_the_servers_own(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """What the server would send as a file it gets as the same object, all events before it."""
    body = FileWrapper(io.BytesIO(b"file"))
    peer = Peer(transport, **{"wsgi.file_wrapper": FileWrapper})

    assert peer.call(answering(client, body)) is body
    assert names(transport) == ["Called"]


def test_nothing_is_read_ahead(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """The middleware asks for a part when the server asks for it."""
    body = Body(client)
    stream = iter(Peer(transport).call(answering(client, body)))

    assert client.stats.tracked == 1
    assert next(stream) == b"one"
    assert client.stats.tracked == 2
    assert list(body.parts) == [b"two", b"three"]


def test_a_stream_that_the_client_leaves(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """When the server closes a stream early, the body is closed once, and then its events are sent."""
    body = Body(client)
    stream: Any = Peer(transport).call(answering(client, body))
    next(iter(stream))
    stream.close()

    assert body.closed == 1
    assert names(transport) == ["Called", "Iterated", "Closed"]


def test_a_stream_that_is_iterated_on_other_threads(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Each part may be asked for on a thread of its own: its events belong to the request, and leave nothing behind."""
    stream: Any = Peer(transport).call(answering(client, Body(client)))
    parts: list[bytes] = []

    def step() -> None:
        parts.extend([part for part in [next(stream, b"")] if part])

    with client.invocation():
        # A second open invocation: nothing may be guessed.
        for work in (step, step, step, step, stream.close):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        assert names(transport) == ["Called", "Iterated", "Iterated", "Iterated", "Iterated", "Closed"]

    assert parts == [b"one", b"two", b"three"]


def test_a_forgotten_stream_ends_its_invocation(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A stream that nobody closes leaves no invocation open behind: its events are sent with the next flush."""
    stream: Any = Peer(transport).call(answering(client, Body(client)))
    next(stream)
    del stream
    assert current_scope() is None

    Peer(transport).run(answering(client, []))

    assert sorted(names(transport)) == ["Called", "Called", "Iterated"]


def test_a_decorated_generator_function_has_the_same_moments(
    client: FormoAnalytics, transport: RecordingTransport
) -> None:
    """`formo_flush` on an application that is a generator function flushes as the middleware does."""
    peer = Peer(transport)
    peer.run(formo_flush(halves(client)))

    assert peer.seen == [("head", 0), ("one", 0), ("two", 2), ("end", 3), ("closed", 3)]


@pytest.mark.parametrize("form", ["function", "method", "object"])
def test_a_decorated_application_has_the_same_moments(
    client: FormoAnalytics, transport: RecordingTransport, form: str
) -> None:
    """`formo_flush` on a bare WSGI application of any form flushes as the middleware does."""

    def plain(environ: Any, start_response: Any) -> Any:
        client.track("Called")
        start_response("200 OK", [("Content-Length", "11")])
        return Body(client)

    class Application:
        def __call__(self, environ: Any, start_response: Any) -> Any:
            return plain(environ, start_response)

        @formo_flush
        def method(self, environ: Any, start_response: Any) -> Any:
            return plain(environ, start_response)

    app = {"function": formo_flush(plain), "method": Application().method, "object": formo_flush(Application())}[form]
    peer = Peer(transport)
    peer.run(app)

    assert peer.seen == [("head", 0), ("one", 0), ("two", 0), ("three", 4), ("end", 5), ("closed", 6)]
