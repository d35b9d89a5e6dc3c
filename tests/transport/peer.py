"""A peer on the loopback interface that treats one connection as a function says."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self


class Peer:
    """Accepts connections and serves each on a thread; closed at the end of a `with` statement.

    Args:
        serve: Called with each connection. What it raises for a connection that broke is expected.
        at: The port to listen on; 0 for a free one.
        host: The address to listen at.
        tls: What connections are encrypted with before they are served.

    Attributes:
        tls: The same; it may be changed.
        address: Where it listens.
        over: Set when the test is over, for servers that only wait.
    """

    def __init__(
        self,
        serve: Callable[[socket.socket], object],
        *,
        at: int = 0,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._serve = serve
        self.tls = tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, at), family=family)
        self._threads: list[threading.Thread] = []
        self.address: tuple[str, int] = self._listener.getsockname()
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"{'https' if self.tls else 'http'}://{self.address[0]}:{self.address[1]}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                # An answer is not to wait until what came before it is acknowledged.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._start(self._treat, connection)

    def _treat(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if self.tls is None:
                self._serve(connection)
                return
            with self.tls.wrap_socket(connection, server_side=True) as encrypted:
                self._serve(encrypted)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(2.0)
