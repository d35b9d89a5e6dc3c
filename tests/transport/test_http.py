"""The HTTP transport against a real server on the loopback interface."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda import FormoAnalytics
from formo_lambda.clock import Moment, monotonic
from formo_lambda.constants import CONNECTION_IDLE_MAX, INGEST_PATH, MAX_ANSWER_BYTES
from formo_lambda.delivery.workers import workers
from formo_lambda.testing import Answer, LocalCollector
from formo_lambda.transport.http import HttpTransport
from formo_lambda.transport.protocol import Response, Transport, TransportError, header
from tests.testing.wire import HEADERS, wire_body, wire_event
from tests.transport.peer import Peer
from tests.transport.pools import own_pools

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = wire_body(wire_event())


_pools = pytest.fixture(autouse=True)(own_pools)


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    """A collector that is up."""
    with LocalCollector() as started:
        yield started


@pytest.fixture
def transport(collector: LocalCollector) -> Iterator[HttpTransport]:
    """A transport to it."""
    made = HttpTransport(collector.url + INGEST_PATH, workers.submit)
    yield made
    made.close()


@contextlib.contextmanager
def transport_to(url: str) -> Iterator[HttpTransport]:
    """Give a transport to another base URL, closed in the end."""
    made = HttpTransport(url + INGEST_PATH, workers.submit)
    try:
        yield made
    finally:
        made.close()


def send(transport: HttpTransport, body: bytes = BODY, timeout: float = 5.0) -> Response:
    """Send one body."""
    return transport.send(body, HEADERS, timeout)


def test_it_is_a_transport(transport: HttpTransport) -> None:
    """It satisfies the protocol that users implement too."""
    assert isinstance(transport, Transport)


def test_a_body_arrives_and_the_answer_comes_back(collector: LocalCollector, transport: HttpTransport) -> None:
    """Status, header fields and body of the answer are returned; one request was made."""
    answer = send(transport)
    assert (answer.status, answer.requests) == (200, 1)
    assert json.loads(answer.body) == {"successful_rows": 1, "quarantined_rows": 0}
    assert header(answer.headers, "content-type") == "application/json"
    assert [request.body for request in collector.requests] == [BODY]
    assert collector.problems == []


def test_the_headers_are_those_given(collector: LocalCollector, transport: HttpTransport) -> None:
    """Nothing is added but what HTTP needs; no compression is asked for, and the agent is ours."""
    transport.send(BODY, {**HEADERS, "User-Agent": "ours"}, 5.0)
    (request,) = collector.requests
    needed = {"host", "content-length", "accept-encoding"}
    assert set(request.headers) - needed == {"authorization", "content-type", "user-agent"}
    assert request.headers["user-agent"] == "ours"
    assert request.headers["content-length"] == str(len(BODY))
    assert request.headers.get("accept-encoding", "identity") == "identity"


def test_one_connection_serves_many_requests(collector: LocalCollector, transport: HttpTransport) -> None:
    """Answers with any status leave the connection usable."""
    collector.respond_with(200, 400, 401, 404, 413, 429, 500, 200)
    statuses = [send(transport).status for _ in range(8)]
    assert statuses == [200, 400, 401, 404, 413, 429, 500, 200]
    assert collector.connections == 1


def test_flushes_share_the_connection(collector: LocalCollector) -> None:
    """A client that flushes thirty times connects once."""
    with FormoAnalytics("test-key", api_host=collector.url, handle_signals=False) as client:
        for _ in range(30):
            client.track("Kept Alive")
            assert client.flush().sent == 1
    assert collector.connections == 1
    assert {request.connection for request in collector.requests} == {1}


def test_a_connection_just_used_is_given_the_whole_time(collector: LocalCollector, transport: HttpTransport) -> None:
    """A server that takes most of the time is not asked twice, as one that may have died while idle would be."""
    send(transport)
    collector.delay = 0.6
    assert send(transport, timeout=1.0).requests == 1
    assert len(collector.requests) == 2


def test_close_leaves_no_connection_and_reopens(collector: LocalCollector, transport: HttpTransport) -> None:
    """After close, the next request connects anew."""
    send(transport)
    transport.close()
    transport.close()
    send(transport)
    assert collector.connections == 2


@pytest.mark.parametrize(("age", "connections"), [(-40.0, 1), (40.0, 1), (60.0, 2), (86_400.0, 2), (-60.0, 2)])
def test_a_connection_idle_for_long_is_not_reused(
    collector: LocalCollector, transport: HttpTransport, age: float, connections: int
) -> None:
    """Idleness counts in wall clock, so that a freeze counts, and a clock set back is not trusted either."""
    assert 40.0 < CONNECTION_IDLE_MAX < 60.0
    send(transport)
    transport.pool._idle[-1].used_at = Moment(time.time() - age, monotonic())
    send(transport)
    assert collector.connections == connections


def test_a_connection_closed_by_the_server_is_noticed(collector: LocalCollector, transport: HttpTransport) -> None:
    """An answer that says close is followed by a fresh connection, and no request is made in vain."""
    collector.respond_with(Answer(200, headers={"Connection": "close"}))
    assert [send(transport).requests for _ in range(2)] == [1, 1]
    assert collector.connections == 2


def test_a_warm_connection_is_the_one_that_is_used(collector: LocalCollector, transport: HttpTransport) -> None:
    """What was opened ahead serves the first request, and warming again opens nothing."""
    transport.warm(5.0)
    transport.warm(5.0)
    assert send(transport).requests == 1
    assert collector.connections == 1


def test_parallel_requests_have_connections_of_their_own(collector: LocalCollector, transport: HttpTransport) -> None:
    """Three senders at once never share a connection; afterwards the connections are reused."""
    collector.delay = 0.1
    for _ in range(2):
        threads = [threading.Thread(target=send, args=[transport]) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert collector.connections == 3
    assert len(collector.events) == 6


def test_a_connection_that_leads_to_the_wrong_server_is_not_reused(
    collector: LocalCollector, transport: HttpTransport
) -> None:
    """After a 421 neither it nor those that lie idle beside it are used again."""
    collector.delay = 0.1
    threads = [threading.Thread(target=send, args=[transport]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(transport.pool._idle) == collector.connections == 3
    collector.respond_with(421)
    assert send(transport)[::3] == (421, 1)
    assert not transport.pool._idle
    assert send(transport)[::3] == (200, 1)
    assert collector.connections == 4


def test_a_flush_that_is_misdirected_once_sends_its_events(collector: LocalCollector) -> None:
    """The body goes out once more, on a connection of its own."""
    with FormoAnalytics("test-key", api_host=collector.url, handle_signals=False, retry_count=0) as client:
        collector.respond_with(421)
        client.track("Misdirected")
        result = client.flush()
    assert (result.sent, result.requests) == (1, 2)
    assert [request.connection for request in collector.requests] == [1, 2]


def test_redirects_are_answers() -> None:
    """A redirect is returned as it is; nothing asks the other host."""
    with LocalCollector() as elsewhere, LocalCollector() as collector:
        collector.respond_with(Answer(307, headers={"Location": elsewhere.url + INGEST_PATH}))
        with transport_to(collector.url) as transport:
            assert send(transport).status == 307
        assert elsewhere.connections == 0


def test_nobody_there() -> None:
    """A refused connection is an error in few words, without the body or the key."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with (
            transport_to(f"http://127.0.0.1:{unused.getsockname()[1]}") as transport,
            pytest.raises(TransportError, match="Connection refused") as caught,
        ):
            send(transport)
        assert caught.value.retry
        assert caught.value.requests == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 20",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5_000,
        b"HTTP/1.1 200 " + b"x" * 100_000,
    ],
)
def test_what_is_not_http_is_no_answer(answer: bytes) -> None:
    """Garbage, half an answer and header fields without end are failures of the passing kind."""

    def serve(connection: socket.socket) -> None:
        connection.recv(100_000)
        connection.sendall(answer)

    with Peer(serve) as peer, transport_to(peer.url) as transport, pytest.raises(TransportError) as caught:
        send(transport)
    assert caught.value.retry


@pytest.mark.parametrize(
    "rest",
    [
        b'Content-Length: 10\r\n\r\n{"quar',
        b'Transfer-Encoding: chunked\r\n\r\n{"quar',
        b'Content-Length: x\r\n\r\n{"quar',
        b'\r\n{"quar',
        b"Content-Le",
    ],
)
def test_an_answer_that_breaks_off_does_not_take_the_status_back(rest: bytes) -> None:
    """The server said 200 before it hung up: the events arrived. The connection is not kept."""

    def serve(connection: socket.socket) -> None:
        connection.recv(100_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + rest)

    with Peer(serve) as peer, transport_to(peer.url) as transport:
        assert [send(transport).status, send(transport).requests] == [200, 1]


@pytest.mark.parametrize("framing", [b"Content-Length: 50000", b"Transfer-Encoding: chunked", b"Connection: close"])
def test_the_beginning_of_a_body_is_read_though_the_rest_is_late(framing: bytes) -> None:
    """It tells whether the answer is a web page, which may be large, and come from far away."""
    beginning = b"<!doctype html>" + b" " * 200

    def serve(connection: socket.socket) -> None:
        connection.recv(100_000)
        chunk = b"1000\r\n" if b"chunked" in framing else b""
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + chunk + beginning)
        peer.over.wait(10.0)

    with Peer(serve) as peer, transport_to(peer.url) as transport:
        answer = send(transport)
        assert (answer.status, answer.requests) == (200, 1)
        assert answer.body
        assert beginning.startswith(answer.body)
        assert not transport.pool._idle


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 128, MAX_ANSWER_BYTES])
def test_a_body_of_any_size_is_read_whole(collector: LocalCollector, transport: HttpTransport, size: int) -> None:
    """And the connection is kept."""
    body = bytes(i % 251 for i in range(size))
    collector.respond_with(Answer(200, body))
    assert send(transport).body == body
    assert len(transport.pool._idle) == 1


def test_a_web_page_delivers_nothing(collector: LocalCollector) -> None:
    """A flush says so, and what is wrong."""
    collector.respond_with(Answer(200, b"<!DOCTYPE html><title>Welcome</title>", headers={"Content-Type": "text/html"}))
    with FormoAnalytics("test-key", api_host=collector.url, handle_signals=False) as client:
        client.track("Swallowed")
        result = client.flush()
    assert (result.sent, result.undelivered, result.retained) == (0, 1, 0)
    assert [str(error).endswith("is api_host right?") for error in result.errors] == [True]


def test_an_endless_body_is_cut() -> None:
    """At most 64 KB of an answer are read, and such a connection is not kept."""

    def serve(connection: socket.socket) -> None:
        connection.recv(100_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not peer.over.is_set():
            connection.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")

    with Peer(serve) as peer, transport_to(peer.url) as transport:
        answer = send(transport)
        assert answer.status == 200
        assert len(answer.body) <= MAX_ANSWER_BYTES
        assert not transport.pool._idle


def test_a_connection_that_died_while_idle_is_replaced_at_once() -> None:
    """A server that forgot the connection costs one further request, on a fresh connection, with the same body."""
    bodies: list[bytes] = []
    gone = threading.Event()

    def serve(connection: socket.socket) -> None:
        bodies.append(connection.recv(100_000))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        if len(bodies) == 1:
            connection.recv(100_000)
            gone.set()  # and hang up on the second request without a word

    with Peer(serve) as peer, transport_to(peer.url) as transport:
        assert [send(transport).requests for _ in range(2)] == [1, 2]
        assert gone.is_set()
    assert [body.partition(b"\r\n\r\n")[2] for body in bodies] == [BODY, BODY]


@pytest.mark.parametrize("timeout", [0.1, 0.4])
@pytest.mark.parametrize("speech", [b"", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_dripping_server_does_not_hold_it(speech: bytes, timeout: float) -> None:
    """Header fields that come byte by byte end with the attempt's time, not with the server's."""

    def serve(connection: socket.socket) -> None:
        connection.recv(100_000)
        connection.sendall(speech)
        while not peer.over.wait(0.02):
            connection.sendall(b"x")

    with Peer(serve) as peer, transport_to(peer.url) as transport:
        began = time.monotonic()
        with pytest.raises(TransportError, match="timed out"):
            send(transport, timeout=timeout)
        assert timeout * 0.9 <= time.monotonic() - began < timeout + 0.25


def test_without_time_nothing_is_sent() -> None:
    """An attempt whose time is over makes no connection."""
    with LocalCollector() as collector, transport_to(collector.url) as transport:
        with pytest.raises(TransportError, match="timed out"):
            send(transport, timeout=0.0)
        assert collector.connections == 0


def test_header_finds_a_field_in_any_case() -> None:
    """A transport of the user's own may keep the names as they came."""
    assert header({"Retry-After": "5"}, "retry-after") == "5"
    assert header({"retry-after": "6"}, "retry-after") == "6"
    assert header({}, "retry-after") is None
