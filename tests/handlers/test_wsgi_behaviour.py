"""What the WSGI middleware leaves as it is: exceptions, heads, odd bodies, other requests."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import ConfigurationError, FormoAnalytics, formo_flush
from formo_lambda.testing import FakeLambdaContext
from formo_lambda.wsgi import FormoFlushMiddleware
from tests.client.recorded import names
from tests.handlers.wsgi_peer import Peer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from formo_lambda.testing import RecordingTransport
    from tests.client.recorded import MakeClient


def streaming(client: FormoAnalytics, name: str = "Streamed") -> Any:
    """Return an application that tracks an event before and after each of two parts."""

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", "2")])
        client.track(name)
        yield b"a"
        client.track(name)
        yield b"b"
        client.track(name)

    return app


def test_an_exception_of_the_call_comes_out_after_its_events(
    client: FormoAnalytics, transport: RecordingTransport
) -> None:
    """The very exception leaves the application, without a context of ours, its events before it."""
    failure = LookupError("no such pool")

    def app(environ: Any, start_response: Any) -> list[bytes]:
        client.track("Failed")
        raise failure

    with pytest.raises(LookupError) as caught:
        Peer(transport).run(FormoFlushMiddleware(app))

    assert caught.value is failure
    assert failure.__context__ is None
    assert names(transport) == ["Failed"]


@pytest.mark.parametrize("where", ["iteration", "close"])
def test_an_exception_of_the_body_comes_out_after_its_events(
    client: FormoAnalytics, transport: RecordingTransport, where: str
) -> None:
    """An exception in an iteration or in close leaves the stream as it is, and the rule for failures is asked once."""
    failure = LookupError("no such pool")
    asked: list[BaseException] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            client.track("Streamed")
            yield b"one"
            if where == "iteration":
                raise failure

        def close(self) -> None:
            if where == "close":
                raise failure

    def app(environ: Any, start_response: Any) -> Body:
        start_response("200 OK", [])
        return Body()

    def rule(error: BaseException) -> bool:
        asked.append(error)
        return True

    with pytest.raises(LookupError) as caught:
        Peer(transport).run(FormoFlushMiddleware(app, on_exception=rule))

    assert caught.value is failure
    assert asked == [failure]
    assert names(transport) == ["Streamed"]


def test_events_of_a_failure_can_be_discarded(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """With on_exception="discard" an exception takes its events along."""

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("500 Internal Server Error", [("Content-Length", "3")])
        client.track("Failed")
        yield b"500"
        raise LookupError("no such pool")

    with pytest.raises(LookupError):
        Peer(transport).run(FormoFlushMiddleware(app, on_exception="discard"))

    assert transport.requests == []
    assert client.stats.discarded == 1


def test_the_head_is_handed_on_as_it_was_given(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """start_response gets the application's very arguments, exc_info only where it was given, and twice if so."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        headers = [("Content-Type", "text/plain")]
        start_response("200 OK", headers)
        try:
            environ["no such pool"]
        except LookupError:
            start_response("500 Oops", [], sys.exc_info())
        return []

    peer = Peer(transport)
    peer.run(FormoFlushMiddleware(app))

    assert peer.heads[0] == ("200 OK", [("Content-Type", "text/plain")])
    assert peer.heads[1][:2] == ("500 Oops", [])
    assert peer.heads[1][2][0] is KeyError


@pytest.mark.parametrize("body", [None, 5, b"bytes", "text", (), []])
def test_a_body_of_the_wrong_kind_is_the_servers_to_refuse(
    client: FormoAnalytics, transport: RecordingTransport, body: Any
) -> None:
    """What is no stream is handed on as it is, even where the server is going to complain."""

    def app(environ: Any, start_response: Any) -> Any:
        client.track("Called")
        start_response("strange", [])
        return body

    assert Peer(transport).call(FormoFlushMiddleware(app)) is body
    assert names(transport) == ["Called"]


def test_all_flushes_of_a_request_share_one_budget(make_client: MakeClient, transport: RecordingTransport) -> None:
    """With a slow server, a request pays its flush timeout once, however many moments it has."""
    client = make_client(flush_timeout=0.6)
    transport.delay = 0.5  # slow, so that each flush alone would be in time

    began = time.monotonic()
    Peer(transport).run(FormoFlushMiddleware(streaming(client)))

    assert 0.5 < time.monotonic() - began < 0.9
    assert client.stats.tracked == 3


@pytest.mark.parametrize("name", ["serverless.context", "apig_wsgi.context"])
def test_a_deadline_in_the_environ_is_kept(
    client: FormoAnalytics, transport: RecordingTransport, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Where an adapter puts the Lambda context into the environ, the flush ends before its deadline."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "swaps")
    transport.delay = 30.0

    began = time.monotonic()
    Peer(transport, **{name: FakeLambdaContext(700)}).run(FormoFlushMiddleware(streaming(client)))

    assert 0.3 < time.monotonic() - began < 0.7


def test_requests_on_many_threads_are_disjoint(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Eight requests at once each have their own events delivered when they return, and each event once."""
    barrier = threading.Barrier(8)
    missing: list[str] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        client.track(environ["PATH_INFO"])
        barrier.wait(5.0)
        client.track(environ["PATH_INFO"])
        start_response("200 OK", [])
        return []

    def request(path: str) -> None:
        Peer(transport, PATH_INFO=path).run(FormoFlushMiddleware(app))
        missing.extend([path] * (2 - [event["event"] for event in transport.events].count(path)))

    threads = [threading.Thread(target=request, args=[f"/{number}"]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert missing == []
    assert sorted(event["event"] for event in transport.events) == sorted([f"/{number}" for number in range(8)] * 2)


def test_inside_another_invocation_the_outermost_flushes(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Under a decorated handler, and under itself, the middleware leaves the flush to the one around it."""

    @formo_flush
    def handler(event: Any, context: Any) -> int:
        Peer(transport).run(FormoFlushMiddleware(FormoFlushMiddleware(streaming(client))))
        return len(transport.events)

    assert handler({}, None) == 0
    assert len(transport.requests) == 1
    assert len(transport.events) == 3


def test_a_repeated_request_has_the_same_ids(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """`idempotency` is asked with the environ alone, and its key makes the ids of the request's events."""
    app = FormoFlushMiddleware(streaming(client), idempotency=lambda environ: str(environ["PATH_INFO"]))

    for path in ("/a", "/a", "/b"):
        Peer(transport, PATH_INFO=path).run(app)

    assert len(transport.events) == 9
    assert len(transport.unique_events) == 6


def test_wrong_options_are_refused_when_it_is_made() -> None:
    """The options have the rules of the decorator's."""
    with pytest.raises(ConfigurationError, match="on_exception"):
        FormoFlushMiddleware(streaming, on_exception="drop")  # type: ignore[arg-type] # that is what is tested


def test_middleware_has_the_application_behind_it(client: FormoAnalytics) -> None:
    """Tools find the application as `app`."""
    app = streaming(client)
    assert FormoFlushMiddleware(app).app is app
