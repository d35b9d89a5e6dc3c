"""urllib3 connections whose every send and receive ends by one moment.

A socket timeout bounds one system call, not an exchange: a server that sends a byte a second keeps a plain
connection alive for ever. Here the time left is set anew before each call.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import sys
import weakref
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family
from urllib3.util.ssl_ import is_ipaddress
from urllib3.util.wait import wait_for_socket

from formo_lambda.clock import NEVER, Moment, monotonic
from formo_lambda.constants import MAX_ANSWER_BYTES
from formo_lambda.signals import raised_by_signal_handler

if TYPE_CHECKING:
    from typing_extensions import Buffer


#: How an interim answer begins (RFC 9110, section 15.2); after 101, another protocol follows.
_INTERIM = re.compile(rb"HTTP/\d\.\d 1(?!01)\d\d")


def _left(until: float) -> float:
    """Return the seconds until a moment of the monotonic clock.

    Raises:
        TimeoutError: It has come.
    """
    left = until - monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


class BoundedSocket:
    """A connected socket under a moment by which everything on it must have ended.

    Args:
        sock: The socket.
        until: The moment, in seconds of the monotonic clock.
        has_body: Whether the heads of requests are followed by a body, and sent together with it.
        layered: Whether it is TLS within TLS: what that has taken is sent, or lost.

    Attributes:
        until: The moment.
        reusable: Whether another request may go out on it: False once the peer took less than a whole request, or sent
            more than one answer.
        early: What the peer said while the request was on its way.
    """

    def __init__(self, sock: socket.socket, until: float, *, has_body: bool = True, layered: bool = False) -> None:
        self._sock = sock
        self._has_body = has_body
        self._layered = layered
        self.until = until
        self.reusable = True
        self.early = b""
        self._head = b""
        # Not the reader itself, which knows its socket: what is thrown away is to be closed at once.
        self._reader: weakref.ref[_Reader] | None = None

    def arm(self) -> None:
        """Give the next system call the time that is left.

        Raises:
            TimeoutError: None is left.
        """
        self._sock.settimeout(_left(self.until))

    def settimeout(self, _: float | None) -> None:
        """Do nothing: the moment is set for the exchange as a whole."""

    def sendall(self, data: Buffer) -> None:
        """Send everything, however little the peer takes at a time; the head of a request goes out with its body.

        `http.client` hands them over one by one, which would be two packets, and two records of TLS. A peer that
        answers before it has taken everything may never take the rest: then that is not sent.
        """
        if self._has_body and not self._head and bytes(memoryview(data)[-4:]) == b"\r\n\r\n":
            self._head = bytes(data)
            return
        if self._head:
            data, self._head = self._head + bytes(data), b""
        view = memoryview(data).cast("B")
        self.reusable = False
        if self._layered:
            self.arm()
            self._sock.sendall(view)
            view = view[len(view) :]
        while view:
            left = _left(self.until)
            self._sock.settimeout(0.0)
            try:
                view = view[self._sock.send(view) :]
                continue
            except OSError as error:
                if not _has_to_wait(error):
                    raise
            wait_for_socket(self._sock, read=True, write=True, timeout=left)
            if self._is_answered():
                return
        self.reusable = True

    def _is_answered(self) -> bool:
        """Whether what the peer has said so far is an answer, and no interim one, or all that will come."""
        try:
            said = self._sock.recv(MAX_ANSWER_BYTES)
        except OSError as error:
            if not _has_to_wait(error):
                raise
            return False
        self.early += said
        while _INTERIM.match(self.early) and b"\r\n\r\n" in self.early:
            self.early = self.early.partition(b"\r\n\r\n")[2]
        unknown = len(self.early) < len(b"HTTP/1.1 200") or _INTERIM.match(self.early) is not None
        return not said or not unknown or len(self.early) > MAX_ANSWER_BYTES

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a reader of the socket that obeys the moment, as `http.client` wants one."""
        reader = _Reader(self, _BoundedReader(self, self._sock.makefile("rb", buffering=0)))
        self._reader = weakref.ref(reader)
        return reader

    def close_reader(self) -> None:
        """Close the reader that was made last: as long as it is open, so is the socket."""
        reader = self._reader() if self._reader is not None else None
        if reader is not None:
            reader.close()

    def is_quiet(self) -> bool:
        """Whether the peer has neither sent anything that nobody has read, nor hung up.

        Session tickets of TLS 1.3 are read on the way: they are no such thing.
        """
        handled = sys.exc_info()[1]
        self._sock.settimeout(0.0)
        try:
            self._sock.recv(1)
        except OSError as error:
            if _has_to_wait(error):
                return True
            if raised_by_signal_handler(error, handled):
                raise
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def _has_to_wait(error: OSError) -> bool:
    """Whether a socket that does not wait would have had to."""
    # By their names: not every platform has the module.
    return isinstance(error, BlockingIOError) or type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError")


class _BoundedReader(io.RawIOBase):
    """The raw reader under `BoundedSocket.makefile`; it keeps the socket open until it is closed itself.

    Attributes:
        ended: Whether nothing is to be read any more.
    """

    def __init__(self, bounded: BoundedSocket, raw: io.RawIOBase | socket.SocketIO) -> None:
        self._bounded = bounded
        self._raw = raw
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        bounded = self._bounded
        if bounded.early:
            size = min(len(buffer), len(bounded.early))
            buffer[:size], bounded.early = bounded.early[:size], bounded.early[size:]
            return size
        if self.ended:
            return None
        bounded.arm()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Reader(io.BufferedReader):
    """What `http.client` reads one answer from; bytes that are left when it closes it were not asked for."""

    def __init__(self, bounded: BoundedSocket, source: _BoundedReader) -> None:
        super().__init__(source)
        self._bounded = bounded
        self._source = source

    def close(self) -> None:
        try:
            if not self.closed:
                self._source.ended = True
                if self.peek():
                    self._bounded.reusable = False
        finally:
            super().close()


class _FinalResponse(http.client.HTTPResponse):
    """A response that reads over every interim answer but 101 (RFC 9110, section 15.2), not over 100 alone."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc] # missing from typeshed
            if not 100 <= status < 200 or status == 101:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _Carrier:
    """The connection to a proxy over TLS, as TLS to the server is spoken over it.

    That makes several calls of one: the timeout that is set here is for all that follow.

    Args:
        sock: The connected socket.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock: Any = sock
        self._until: float | None = None

    def settimeout(self, timeout: float) -> None:
        """Set the seconds within which everything has to end; 0 for not to wait."""
        self._until = monotonic() + timeout if timeout else None
        self._sock.settimeout(timeout)

    def recv(self, size: int) -> bytes:
        """Receive what there is."""
        self._arm()
        data: bytes = self._sock.recv(size)
        return data

    def sendall(self, data: Buffer) -> None:
        """Send everything."""
        view = memoryview(data)
        while view:
            self._arm()
            view = view[self._sock.send(view) :]

    def _arm(self) -> None:
        if self._until is not None:
            self._sock.settimeout(_left(self._until))

    @property
    def _io_refs(self) -> int:
        """The readers of the socket, which keep it open: those of the TLS above it count."""
        readers: int = self._sock._io_refs  # noqa: SLF001 -- as urllib3 counts them
        return readers

    @_io_refs.setter
    def _io_refs(self, readers: int) -> None:
        self._sock._io_refs = readers  # noqa: SLF001 -- likewise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Bounded:
    """What both kinds of connection share: the moment, and when they were last used.

    Attributes:
        until: The moment by which the exchange must have ended, in seconds of the monotonic clock.
        used_at: When the last exchange ended.
        address: The address of the host that is tried first, if it is one; once there is a connection, the one it has.
        home: Where it was opened, and can be used.
    """

    response_class: type[http.client.HTTPResponse] = _FinalResponse
    until: float = 0.0
    used_at: Moment = NEVER
    address: str | None = None
    home: object = None
    port: int
    sock: Any
    timeout: float | None
    _dns_host: str
    _tunnel_scheme: str | None

    def bound(self, until: float) -> None:
        """Set the moment for what comes next."""
        self.until = until
        if isinstance(self.sock, BoundedSocket):
            self.sock.until = until

    def connect(self) -> None:
        """Connect by the moment.

        Raises:
            TimeoutError: The moment came; name resolution, which nothing bounds, may have taken longer still.
        """
        _left(self.until)  # else nothing begins
        super().connect()  # type: ignore[misc] # the connection class that this is mixed into
        self.sock = BoundedSocket(self.sock, self.until, layered=self._tunnel_scheme == "https")

    def _new_conn(self) -> socket.socket:
        """Open the socket, and leave what follows (a tunnel, the handshake of TLS) the time that is left.

        Where the host has several addresses, one that does not answer takes a third of the time that is left.
        """
        host = self._dns_host
        addresses = self._addresses()
        try:
            while True:
                self._dns_host = address = addresses.pop(0)
                self.timeout = _left(self.until) / (3 if addresses else 1)
                try:
                    sock: socket.socket = super()._new_conn()  # type: ignore[misc] # likewise
                    break
                except (NewConnectionError, ConnectTimeoutError):
                    if not addresses:
                        raise
        finally:
            # Certificates are for the host.
            self._dns_host = host
        self.address = address
        try:
            sock.settimeout(_left(self.until))
        except TimeoutError:
            sock.close()
            raise
        return sock

    def _addresses(self) -> list[str]:
        """Return the addresses of the host, in the order in which to try them."""
        host = self._dns_host
        if is_ipaddress(host):
            return [host]
        try:
            found = socket.getaddrinfo(host, self.port, allowed_gai_family(), socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(host, self, error) from error  # type: ignore[arg-type] # likewise
        addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
        return sorted(addresses, key=lambda address: address != self.address)

    def _tunnel(self) -> None:
        """Ask the proxy for a tunnel, however slowly it answers."""
        plain = self.sock
        self.sock = bounded = BoundedSocket(plain, self.until, has_body=False)
        try:
            super()._tunnel()  # type: ignore[misc] # likewise
        except BaseException:
            # The oldest urllib3 and Python leave that to the garbage collector.
            bounded.close_reader()
            raise
        finally:
            self.sock = plain
        plain.settimeout(_left(self.until))


class BoundedHTTPConnection(_Bounded, HTTPConnection):
    """A bounded connection in the clear, for loopback and proxies."""


class BoundedHTTPSConnection(_Bounded, HTTPSConnection):
    """A bounded connection over TLS."""

    def _connect_tls_proxy(self, hostname: str, sock: socket.socket) -> Any:
        return _Carrier(super()._connect_tls_proxy(hostname, sock))


BoundedConnection = BoundedHTTPConnection | BoundedHTTPSConnection
