"""The socket under one moment by which everything on it must have ended."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda.transport.connection import BoundedHTTPConnection, BoundedHTTPSConnection, BoundedSocket
from tests.promises.faults.certificates import Certificates
from tests.transport.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Long against the pauses of the peers here, short for a test.
SECONDS = 0.3


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets."""
    near, far = socket.socketpair()
    with near, far:
        yield near, far


@contextlib.contextmanager
def dripping(far: socket.socket) -> Iterator[None]:
    """Send a byte every hundredth of a second."""
    over = threading.Event()

    def drip() -> None:
        with contextlib.suppress(OSError):
            while not over.wait(0.01):
                far.send(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def ends_on_time() -> Iterator[None]:
    """The block must raise TimeoutError when the moment comes, not before and not much later."""
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        yield
    assert SECONDS * 0.9 <= time.monotonic() - began < SECONDS + 0.2


def test_reading_ends_at_the_moment(pair: tuple[socket.socket, socket.socket]) -> None:
    """A peer that sends a byte now and then, well within any socket timeout, does not prolong it."""
    near, far = pair
    reader = BoundedSocket(near, time.monotonic() + SECONDS).makefile("rb")
    with dripping(far), ends_on_time():
        reader.read(1_000_000)
    reader.close()


def test_reading_a_line_ends_at_the_moment(pair: tuple[socket.socket, socket.socket]) -> None:
    """Likewise for a header line that never ends."""
    near, far = pair
    reader = BoundedSocket(near, time.monotonic() + SECONDS).makefile("rb")
    with dripping(far), ends_on_time():
        reader.readline()
    reader.close()


def test_reading_from_a_silent_peer_ends_at_the_moment(pair: tuple[socket.socket, socket.socket]) -> None:
    """Nothing at all is bounded by the same moment."""
    reader = BoundedSocket(pair[0], time.monotonic() + SECONDS).makefile("rb")
    with ends_on_time():
        reader.read(1)
    reader.close()


def test_sending_ends_at_the_moment(pair: tuple[socket.socket, socket.socket]) -> None:
    """A peer that takes a little at a time does not prolong it either."""
    near, far = pair
    over = threading.Event()

    def sip() -> None:
        while not over.wait(0.01):
            far.recv(1_000)

    thread = threading.Thread(target=sip)
    thread.start()
    try:
        with ends_on_time():
            BoundedSocket(near, time.monotonic() + SECONDS).sendall(b"x" * 50_000_000)
    finally:
        over.set()
        thread.join()


def test_sendall_sends_everything_once(pair: tuple[socket.socket, socket.socket]) -> None:
    """However little the peer takes at a time, the bytes arrive whole and in order."""
    near, far = pair
    data = bytes(range(256)) * 10_000
    got = bytearray()

    def read() -> None:
        while len(got) < len(data):
            got.extend(far.recv(5_000))

    thread = threading.Thread(target=read)
    thread.start()
    BoundedSocket(near, time.monotonic() + 5.0).sendall(memoryview(data))
    thread.join()
    assert got == data


def test_the_moment_can_be_moved(pair: tuple[socket.socket, socket.socket]) -> None:
    """The next exchange on the same connection has its own."""
    near, far = pair
    bounded = BoundedSocket(near, time.monotonic() - 1.0)
    reader = bounded.makefile("rb")
    far.send(b"abc")
    with pytest.raises(TimeoutError):
        reader.read(3)
    bounded.until = time.monotonic() + 5.0
    assert reader.read(3) == b"abc"
    reader.close()


def test_others_cannot_lift_the_bound(pair: tuple[socket.socket, socket.socket]) -> None:
    """http.client and urllib3 set timeouts of their own; they count for nothing."""
    bounded = BoundedSocket(pair[0], time.monotonic() + SECONDS)
    bounded.settimeout(None)
    reader = bounded.makefile("rb")
    with ends_on_time():
        reader.read(1)
    reader.close()


def test_a_connection_past_its_moment_is_not_made() -> None:
    """There is no system call with a timeout of zero or less, which would mean none or an error."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = BoundedHTTPConnection("127.0.0.1", listener.getsockname()[1])
        connection.bound(time.monotonic())
        with pytest.raises(TimeoutError):
            connection.connect()
        listener.settimeout(0.05)
        with pytest.raises(TimeoutError):
            listener.accept()


ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "handshake"),
    [
        (b"", b""),
        (ESTABLISHED[:-4] + b"\r\nX-Padding: ", b""),
        (ESTABLISHED, b"\x16"),
        # A record and a message in it whose lengths promise far more than will come.
        (ESTABLISHED, b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"),
    ],
    ids=["status line", "header field", "record", "message"],
)
def test_a_tunnel_ends_at_the_moment(answer: bytes, handshake: bytes) -> None:
    """Neither a proxy that drips its answer, nor a server behind it that drips its handshake, prolongs it."""

    def serve(connection: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        assert head.startswith(b"CONNECT events.example.test:443 HTTP/1.")
        connection.sendall(answer)
        drip = b"x"
        if handshake:
            connection.recv(100_000)
            connection.sendall(handshake)
            drip = b"\x03"
        while not proxy.over.wait(0.01):
            connection.sendall(drip)

    with Peer(serve) as proxy:
        connection = BoundedHTTPSConnection(*proxy.address, ssl_context=ssl.create_default_context())
        connection.set_tunnel("events.example.test", 443)
        connection.bound(time.monotonic() + SECONDS)
        with ends_on_time():
            connection.connect()
        connection.close()


def test_what_comes_before_the_handshake_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handshake has the time that is left after the name was resolved and the socket opened."""
    resolve = socket.getaddrinfo

    def resolve_late(*args: object, **more: object) -> object:
        time.sleep(SECONDS * 0.9)
        return resolve(*args, **more)  # type: ignore[arg-type] # passed on as they came

    def serve(connection: socket.socket) -> None:
        connection.recv(100_000)
        peer.over.wait(10.0)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_late)
    with Peer(serve) as peer:
        connection = BoundedHTTPSConnection(*peer.address, ssl_context=ssl.create_default_context())
        connection.bound(time.monotonic() + SECONDS)
        with ends_on_time():
            connection.connect()
        connection.close()


def test_a_proxys_interim_answers_are_read_over(tmp_path: Path) -> None:
    """A proxy may say that it is still at work before it opens the tunnel."""
    certificates = Certificates(tmp_path)

    def serve(connection: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        connection.sendall(b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + ESTABLISHED)
        with certificates.trusted.wrap_socket(connection, server_side=True) as encrypted:
            encrypted.recv(1)

    with Peer(serve) as proxy:
        trust = ssl.create_default_context(cafile=certificates.authority_file)
        connection = BoundedHTTPSConnection(*proxy.address, ssl_context=trust)
        connection.set_tunnel(certificates.name, 443)
        connection.bound(time.monotonic() + 5.0)
        connection.connect()
        assert connection.is_verified
        connection.close()
