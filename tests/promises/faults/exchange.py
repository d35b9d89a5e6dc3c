"""One request and its answer on a raw socket, as slow, cut or wrong as a fault wants it."""

from __future__ import annotations

import json
import select
import socket
import ssl
import struct
import time
from typing import TYPE_CHECKING

from .ledger import Ledger, Request, parse_events

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

_HEAD_LIMIT = 64 * 1024
_BODY_LIMIT = 8 * 1024 * 1024
_REASONS = {200: "OK", 301: "Moved Permanently", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
            404: "Not Found", 408: "Request Timeout", 413: "Content Too Large", 429: "Too Many Requests",
            500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip


class ConnectionOver(Exception):
    """The connection ends here: the peer left, the fault was lifted, or the server closes."""


class Wire:
    """A connected socket with what was read ahead of it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._ahead = bytearray()

    def wait_for_request(self) -> bool:
        """Block until a request begins, without reading it; False when the peer closed instead."""
        if self._ahead or (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
            return True
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        poll.poll()
        if isinstance(self.sock, ssl.SSLSocket):
            return self._fill()
        return self.sock.recv(1, socket.MSG_PEEK) != b""

    def read_until(self, mark: bytes, limit: int) -> bytes:
        """Read up to and with the mark."""
        while (end := self._ahead.find(mark)) < 0:
            if len(self._ahead) > limit or not self._fill():
                raise ConnectionOver
        return self._take(end + len(mark))

    def read_exactly(self, size: int) -> bytes:
        """Read that many bytes."""
        while len(self._ahead) < size:
            if not self._fill():
                raise ConnectionOver
        return self._take(size)

    def reset(self) -> None:
        """End the connection with an RST: nothing unsent is flushed, the peer reads ECONNRESET."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _fill(self) -> bool:
        data = self.sock.recv(65536)
        self._ahead += data
        return data != b""

    def _take(self, size: int) -> bytes:
        taken = bytes(self._ahead[:size])
        del self._ahead[:size]
        return taken


class Exchange:
    """What a fault has in its hands: read the request, or not; answer it, or not.

    Args:
        wire: The connection.
        ledger: Where reading and accepting are counted.
        over: Set when the fault was lifted or the server closes; every pause ends there.
        connection: The number of the connection.
        order: The number of this request on the connection, from 1.
    """

    def __init__(self, wire: Wire, ledger: Ledger, over: threading.Event, connection: int, order: int) -> None:
        self.wire = wire
        self.ledger = ledger
        self.connection = connection
        self.order = order
        self._over = over

    def read(self) -> Request:
        """Read the whole request and count it."""
        head = self.wire.read_until(b"\r\n\r\n", _HEAD_LIMIT).decode("latin-1")
        request_line, *lines = head.rstrip("\r\n").split("\r\n")
        method, path, _version = request_line.split(" ")
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        size = int(headers.get("content-length", "0"))
        if size > _BODY_LIMIT or "transfer-encoding" in headers:
            raise ConnectionOver
        body = self.wire.read_exactly(size)
        request = Request(time.monotonic(), self.connection, method, path, headers, body, parse_events(body))
        self.ledger.read(request)
        return request

    def pause(self, seconds: float | None = None) -> None:
        """Do nothing for a while, or for ever; ends the connection when the fault is lifted meanwhile."""
        if self._over.wait(seconds):
            raise ConnectionOver

    def accept(self, request: Request, *, quarantined: int = 0, keep_alive: bool = True) -> None:
        """Answer 200 and count the events as accepted."""
        self.ledger.accept(request.events)
        body = rows(len(request.events), quarantined)
        self.answer(200, body, {"Content-Type": "application/json"}, keep_alive=keep_alive)

    def refuse(self, status: int, headers: Mapping[str, str] | None = None, error: str = "refused") -> None:
        """Answer with a status that accepts nothing."""
        given = {"Content-Type": "application/json", **(headers or {})}
        self.answer(status, json.dumps({"error": error}).encode(), given)

    def answer(self, status: int, body: bytes, headers: Mapping[str, str], *, keep_alive: bool = True) -> None:
        """Send a well-formed answer at once."""
        self.send(head(status, len(body), headers) + body)
        if not keep_alive:
            raise ConnectionOver

    def send(self, data: bytes) -> None:
        """Send these bytes at once."""
        self.wire.sock.sendall(data)

    def drip(self, data: bytes, every: float) -> None:
        """Send these bytes one by one, with a pause before each."""
        for index in range(len(data)):
            self.pause(every)
            self.send(data[index : index + 1])


def head(status: int, size: int, headers: Mapping[str, str]) -> bytes:
    """The status line and the headers of an answer, with the empty line after them."""
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", f"Content-Length: {size}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def rows(total: int, quarantined: int = 0) -> bytes:
    """The body of the real server's 200."""
    return json.dumps({"successful_rows": total - quarantined, "quarantined_rows": quarantined}).encode()
