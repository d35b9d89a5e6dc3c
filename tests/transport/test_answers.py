"""What a server says of its own accord, before its answer, and before it has heard the whole request."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda.constants import INGEST_PATH
from formo_lambda.delivery.retry import is_reset
from formo_lambda.delivery.workers import workers
from formo_lambda.transport.http import HttpTransport
from formo_lambda.transport.protocol import Response, TransportError
from tests.promises.faults.certificates import Certificates
from tests.testing.wire import HEADERS, wire_body, wire_event
from tests.transport.peer import Peer
from tests.transport.pools import own_pools

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

BODY = wire_body(wire_event())
#: As much as most Pythons read at once.
AHEAD = 8_192
DONE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
LATE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nContent-Length: 9\r\n\r\n"

_pools = pytest.fixture(autouse=True)(own_pools)


@pytest.fixture(params=[False, True], ids=["plain", "TLS"])
def tls(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext | None:
    """What a server encrypts with, whom this process trusts; None for a server in the clear."""
    if not request.param:
        return None
    certificates = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority_file))
    return certificates.trusted


@contextlib.contextmanager
def transport_to(url: str) -> Iterator[HttpTransport]:
    """Give a transport to a base URL, closed in the end."""
    made = HttpTransport(url + INGEST_PATH, workers.submit)
    try:
        yield made
    finally:
        made.close()


def send(transport: HttpTransport, body: bytes = BODY, timeout: float = 5.0) -> Response:
    """Send one body."""
    return transport.send(body, HEADERS, timeout)


def until_idle(transport: HttpTransport) -> None:
    """Wait until a connection lies idle, and for what its server sends on it unasked."""
    limit = time.monotonic() + 5.0
    while not transport.pool._idle and time.monotonic() < limit:
        time.sleep(0.005)
    time.sleep(0.05)


# -- of its own accord -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "unasked"),
    [
        (DONE, DONE),
        (DONE, b"\n"),
        (DONE, EARLY_HINTS),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"more"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"a body"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", DONE),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * (AHEAD - len(DONE) - 5) + DONE[15:], DONE),
    ],
    ids=["answer", "line end", "interim", "body", "no content", "chunked", "not read ahead"],
)
def test_a_connection_with_more_than_one_answer_is_not_reused(
    tls: ssl.SSLContext | None, answer: bytes, unasked: bytes
) -> None:
    """What comes in one packet with an answer is not taken for the next one: that request goes out once, elsewhere."""
    requests: list[list[bytes]] = []

    def serve(connection: socket.socket) -> None:
        mine: list[bytes] = []
        requests.append(mine)
        while head := connection.recv(100_000):
            mine.append(head)
            connection.sendall(answer + unasked)

    with Peer(serve, tls=tls) as peer, transport_to(peer.url) as transport:
        assert [send(transport).requests for _ in range(3)] == [1, 1, 1]
    assert [len(mine) for mine in requests] == [1, 1, 1]


@pytest.mark.parametrize("hangs_up", [False, True])
@pytest.mark.parametrize("unasked", [LATE, DONE, b"\r\n"])
def test_a_connection_with_unasked_bytes_is_not_reused(
    tls: ssl.SSLContext | None,
    unasked: bytes,
    hangs_up: bool,  # noqa: FBT001
) -> None:
    """A server that tires of an idle connection may say so: the next request goes out once, on another."""
    said = threading.Semaphore(0)
    requests: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        requests.append(connection.recv(100_000))
        connection.sendall(DONE)
        connection.sendall(unasked)
        said.release()
        if not hangs_up:
            requests.append(connection.recv(100_000))

    with Peer(serve, tls=tls) as peer, transport_to(peer.url) as transport:
        for _ in range(2):
            answer = send(transport)
            assert (answer.status, answer.requests) == (200, 1)
            assert said.acquire(timeout=5.0)
            time.sleep(0.05)
    assert sum(map(bool, requests)) == 2


def test_a_connection_opened_ahead_with_unasked_bytes_is_not_used(tls: ssl.SSLContext | None) -> None:
    """Likewise where it has served no request yet."""
    said = threading.Event()
    requests: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        if not said.is_set():
            connection.sendall(LATE)
            said.set()
        requests.append(connection.recv(100_000))
        connection.sendall(DONE)

    with Peer(serve, tls=tls) as peer, transport_to(peer.url) as transport:
        transport.warm(5.0)
        assert said.wait(5.0)
        until_idle(transport)
        answer = send(transport)
        assert (answer.status, answer.requests) == (200, 1)
    assert sum(map(bool, requests)) == 1


def test_session_tickets_are_not_unasked_bytes(tls: ssl.SSLContext | None) -> None:
    """Those of TLS 1.3 lie in a connection before its first request: it is used all the same, and then again."""
    connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        connections.append(connection)
        while connection.recv(100_000):
            connection.sendall(DONE)

    with Peer(serve, tls=tls) as peer, transport_to(peer.url) as transport:
        transport.warm(5.0)
        until_idle(transport)
        assert [send(transport).status for _ in range(3)] == [200, 200, 200]
        assert len(connections) == 1


def test_a_server_that_tires_of_a_connection_as_it_is_used_is_asked_again_at_once() -> None:
    """A 408 that crosses the request on its way is not the answer to it."""
    bodies: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        bodies.append(connection.recv(100_000))
        connection.sendall(DONE)
        if len(bodies) == 1:
            connection.recv(100_000)
            connection.sendall(LATE)

    with Peer(serve) as peer, transport_to(peer.url) as transport:
        answers = [send(transport) for _ in range(2)]
    assert [(answer.status, answer.requests) for answer in answers] == [(200, 1), (200, 2)]
    assert [body.partition(b"\r\n\r\n")[2] for body in bodies] == [BODY, BODY]


@pytest.mark.parametrize("answer", [LATE, LATE.replace(b"close", b"keep-alive")])
def test_a_fresh_or_lasting_connections_408_is_the_answer(answer: bytes) -> None:
    """Where the connection was not idle, or is to be used on, the server means this request."""

    def serve(connection: socket.socket) -> None:
        while connection.recv(100_000):
            connection.sendall(answer)

    with Peer(serve) as peer, transport_to(peer.url) as transport:
        assert [send(transport)[::3] for _ in range(2)] == [(408, 1), (408, 1)]


# -- before its answer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pause", [None, 0.001])
@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        EARLY_HINTS,
        b"HTTP/1.1 199\r\n\r\n",
        b"HTTP/1.0 103 Early Hints\nX: y\n\n",
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + EARLY_HINTS) * 3,
    ],
)
def test_interim_answers_are_read_over(interim: bytes, pause: float | None) -> None:
    """However many come, with fields or without, whole or byte by byte, the answer is the final one."""

    def serve(connection: socket.socket) -> None:
        while connection.recv(100_000):
            words = interim + b"HTTP/1.1 401 Unauthorized\r\nX: final\r\nContent-Length: 2\r\n\r\n{}"
            for piece in [words] if pause is None else [words[i : i + 1] for i in range(len(words))]:
                connection.sendall(piece)
                time.sleep(pause or 0.0)

    with Peer(serve) as peer, transport_to(peer.url) as transport:
        for _ in range(2):
            assert send(transport) == Response(401, {"x": "final", "content-length": "2"}, b"{}")


def test_an_interim_answer_alone_is_none() -> None:
    """A server that hangs up after it has given no answer."""

    def serve(connection: socket.socket) -> None:
        connection.recv(100_000)
        connection.sendall(EARLY_HINTS)

    with Peer(serve) as peer, transport_to(peer.url) as transport, pytest.raises(TransportError) as caught:
        send(transport)
    assert caught.value.retry


def test_interim_answers_without_end_end_with_the_time() -> None:
    """A server that only ever promises an answer does not hold the sender."""

    def serve(connection: socket.socket) -> None:
        connection.recv(100_000)
        while not peer.over.wait(0.01):
            connection.sendall(EARLY_HINTS)

    with Peer(serve) as peer, transport_to(peer.url) as transport:
        began = time.monotonic()
        with pytest.raises(TransportError, match="timed out"):
            send(transport, timeout=0.3)
        assert 0.27 <= time.monotonic() - began < 0.55


def test_a_change_of_protocol_is_an_answer() -> None:
    """What follows a 101 is not HTTP any more: it ends the exchange, and the connection."""

    def serve(connection: socket.socket) -> None:
        connection.recv(100_000)
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")
        connection.recv(100_000)

    with Peer(serve) as peer, transport_to(peer.url) as transport:
        assert send(transport).status == 101
        assert not transport.pool._idle


# -- before it has heard the whole request -----------------------------------------------------------------------------


#: More than fits between two sockets, so that sending it has to wait for who reads it.
LARGE = b"x" * 8_000_000
REFUSED = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
#: Between the two a server may end an HTTP exchange: hang up, hang up on what is on its way, or stay.
ENDS = ["closes", "resets", "stays"]


def end(connection: socket.socket, how: str, over: threading.Event) -> None:
    """End a server's part in a connection of which it has not read everything."""
    if how == "stays":
        over.wait(10.0)
    elif how == "resets":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("body", [b"x" * 484_000, LARGE], ids=["484 kB", "8 MB"])
@pytest.mark.parametrize("interim", [b"", EARLY_HINTS * 2], ids=["", "interim"])
def test_an_answer_before_the_body_was_read_is_the_answer(
    tls: ssl.SSLContext | None, how: str, body: bytes, interim: bytes
) -> None:
    """Load balancers reject by the head alone: what they said counts, though sending failed, or would for ever."""

    def serve(connection: socket.socket) -> None:
        connection.recv(1_000)
        connection.sendall(interim)
        connection.sendall(REFUSED)
        end(connection, how, peer.over)

    with Peer(serve, tls=tls) as peer, transport_to(peer.url) as transport:
        for _ in range(3):
            began = time.monotonic()
            answer = send(transport, body)
            assert (answer.status, answer.body, answer.requests) == (413, b"{}", 1)
            assert time.monotonic() - began < 2.0


def test_an_early_answer_on_a_used_connection_is_the_answer(tls: ssl.SSLContext | None) -> None:
    """It is no connection that died while it was idle."""

    def serve(connection: socket.socket) -> None:
        connection.recv(100_000)
        connection.sendall(DONE)
        connection.recv(1_000)
        connection.sendall(REFUSED)

    with Peer(serve, tls=tls) as peer, transport_to(peer.url) as transport:
        assert [send(transport, body)[::3] for body in (BODY, LARGE, BODY)] == [(200, 1), (413, 1), (200, 1)]


@pytest.mark.parametrize(
    ("early", "late"),
    [(EARLY_HINTS, DONE), (EARLY_HINTS * 3, DONE), (EARLY_HINTS[:11], EARLY_HINTS[11:] + DONE), (DONE[:9], DONE[9:])],
    ids=["one", "several", "a part", "any"],
)
def test_what_is_no_answer_yet_does_not_end_the_sending(tls: ssl.SSLContext | None, early: bytes, late: bytes) -> None:
    """Interim answers, and the beginning of one, may come while the body is on its way: all of it arrives."""
    arrived = []

    def serve(connection: socket.socket) -> None:
        request = connection.recv(1_000)
        connection.sendall(early)
        time.sleep(0.2)
        while not request.endswith(LARGE) and (data := connection.recv(1_000_000)):
            request += data
        arrived.append(request.partition(b"\r\n\r\n")[2])
        connection.sendall(late)
        connection.recv(1)

    with Peer(serve, tls=tls) as peer, transport_to(peer.url) as transport:
        assert send(transport, LARGE)[::3] == (200, 1)
        assert len(transport.pool._idle) == 1
    assert arrived == [LARGE]


@pytest.mark.parametrize("how", ["closes", "resets"])
@pytest.mark.parametrize("words", [b"", EARLY_HINTS, DONE[:9]], ids=["nothing", "interim", "half"])
def test_without_an_answer_the_failure_is_that_of_the_sending(
    tls: ssl.SSLContext | None, how: str, words: bytes
) -> None:
    """A server that hangs up on the body without a word has reset the connection."""

    def serve(connection: socket.socket) -> None:
        connection.recv(1_000)
        connection.sendall(words)
        end(connection, how, peer.over)

    with Peer(serve, tls=tls) as peer, transport_to(peer.url) as transport, pytest.raises(TransportError) as caught:
        send(transport, LARGE)
    assert caught.value.retry
    assert is_reset(caught.value, None)


def test_a_server_that_takes_nothing_and_says_nothing_ends_with_the_time() -> None:
    """Sending that waits for ever is bounded as everything else."""

    def serve(connection: socket.socket) -> None:
        connection.recv(1_000)
        connection.sendall(EARLY_HINTS + b"HTTP/1.1 1")
        peer.over.wait(10.0)

    with Peer(serve) as peer, transport_to(peer.url) as transport:
        began = time.monotonic()
        with pytest.raises(TransportError, match="timed out"):
            send(transport, LARGE, timeout=0.3)
        assert 0.27 <= time.monotonic() - began < 0.55
