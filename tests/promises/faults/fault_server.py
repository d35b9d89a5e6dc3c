"""A loopback HTTP server on raw sockets whose faults are switched on and off while it runs.

`switch(behaviour)` decides how requests are treated from now on, `lift()` makes the server healthy again. Faults below
HTTP have methods of their own: `refuse`, `drop_handshakes`, `cut_idle`, and `tls` is read at each new connection.
What was really read, kept and accepted stands in `ledger`.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Literal

from typing_extensions import Self

from .behaviours import Behaviour, healthy
from .exchange import ConnectionOver, Exchange, Wire
from .ledger import Ledger
from .port import HOST, Port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

_MOST_CONNECTIONS = 512


class _Connection:
    """A connection that lives: its wire, and what was decided about it while it was idle."""

    def __init__(self, number: int, sock: socket.socket) -> None:
        self.number = number
        self.sock = sock
        self.idle = False
        self.fate: Literal["live", "fin", "rst", "blackhole"] = "live"


class _Phase:
    """One behaviour from its switching on to its end."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.over = threading.Event()


class FaultServer:
    """A server on a free loopback port, listening from `with` to its end.

    Args:
        tls: The context to serve TLS with; plain HTTP without one.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.ledger = Ledger()
        #: Read at each new connection, so that it can be replaced while the server runs.
        self.tls = tls
        #: Whether new connections are closed after the first bytes of a TLS handshake.
        self.cuts_handshakes = False
        self._lock = threading.Lock()
        self._phases = [_Phase(healthy)]
        self._connections: dict[int, _Connection] = {}
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()
        self._socket_port = Port()
        self.port = self._socket_port.number

    @property
    def url(self) -> str:
        """The base URL to give to a client."""
        return f"{'http' if self.tls is None else 'https'}://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def switch(self, behaviour: Behaviour, *, abandon: bool = True) -> None:
        """Treat requests this way from now on; exchanges under way are cut unless `abandon` is false."""
        with self._lock:
            ended = self._phases[-1]
            self._phases.append(_Phase(behaviour))
        if abandon:
            ended.over.set()
        self._listen()

    def lift(self, *, abandon: bool = True) -> None:
        """Be healthy again, whatever the fault was."""
        self.switch(healthy, abandon=abandon)

    def refuse(self) -> None:
        """Refuse connections and drop those that are there, as a stopped server does."""
        self._socket_port.refuse()
        self._cut_all()

    def drop_handshakes(self, close_after: float | None = None) -> None:
        """Leave connection attempts unanswered, as behind a firewall; refuse them after that many seconds."""
        self.refuse()
        listener = self._socket_port.drop_handshakes()
        if close_after is not None:
            timer = threading.Timer(close_after, self._socket_port.refuse, [listener])
            timer.daemon = True
            timer.start()

    def cut_idle(self, how: Literal["fin", "rst", "blackhole"]) -> int:
        """End the keep-alive connections that wait for a request, or never answer on them again; returns how many."""
        with self._lock:
            idle = [each for each in self._connections.values() if each.idle and each.fate == "live"]
            for each in idle:
                each.fate = how
        if how != "blackhole":
            for each in idle:
                # Local only, nothing goes out: it wakes the thread of the connection, which then ends it as told.
                with contextlib.suppress(OSError):
                    each.sock.shutdown(socket.SHUT_RD)
        return len(idle)

    @property
    def open_connections(self) -> int:
        """How many connections are there now."""
        with self._lock:
            return len(self._connections)

    def close(self) -> None:
        """End everything and wait for the threads, a bounded time."""
        self._closing.set()
        with self._lock:
            phases = list(self._phases)
        for phase in phases:
            phase.over.set()
        self._socket_port.close()
        self._cut_all()
        for thread in list(self._threads):
            thread.join(2.0)

    def _listen(self) -> None:
        if not self._closing.is_set() and (listener := self._socket_port.listen()) is not None:
            self._start(self._serve_listener, listener)

    def _cut_all(self) -> None:
        with self._lock:
            connections = list(self._connections.values())
        for each in connections:
            with contextlib.suppress(OSError):
                each.sock.shutdown(socket.SHUT_RDWR)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name=f"fault-server-{self.port}", daemon=True)
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()

    def _serve_listener(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(self.ledger.connected(), sock)
            with self._lock:
                full = self._closing.is_set() or len(self._connections) >= _MOST_CONNECTIONS
                if not full:
                    self._connections[connection.number] = connection
            if full:
                sock.close()
            else:
                self._start(self._serve_connection, connection)

    def _serve_connection(self, connection: _Connection) -> None:
        try:
            if self.cuts_handshakes:
                connection.sock.recv(16)
                return
            if self.tls is not None:
                connection.sock = self.tls.wrap_socket(connection.sock, server_side=True)
            wire = Wire(connection.sock)
            order = 0
            while self._next_request(connection, wire):
                order += 1
                phase = self._phases[-1]
                phase.behaviour(Exchange(wire, self.ledger, phase.over, connection.number, order))
        except (ConnectionOver, OSError):
            pass
        except ValueError as error:
            self.ledger.break_rule(str(error))
        finally:
            with self._lock:
                self._connections.pop(connection.number, None)
            connection.sock.close()

    def _next_request(self, connection: _Connection, wire: Wire) -> bool:
        with self._lock:
            connection.idle = True
        arrived = wire.wait_for_request()
        with self._lock:
            connection.idle = False
            fate = connection.fate
        if fate == "rst":
            wire.reset()
            return False
        if fate == "blackhole":
            while not self._closing.wait(0.1) and not _peer_left(connection.sock):
                pass
        return arrived and fate == "live"


def _peer_left(sock: socket.socket) -> bool:
    try:
        return sock.recv(65536, socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
