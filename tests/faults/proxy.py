"""A loopback proxy that connects as it is told, and remembers all it could read."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import TYPE_CHECKING

from typing_extensions import Self

if TYPE_CHECKING:
    from types import TracebackType


class LoopbackProxy:
    """A proxy for CONNECT that leads every host name to one port of this machine.

    Args:
        port: Where every tunnel ends.
        at: The port to listen on; 0 for a free one.
        drip: Seconds between the bytes of the answer to CONNECT; 0 for an answer at once. Read at each byte.
    """

    def __init__(self, port: int, *, at: int = 0, drip: float = 0.0) -> None:
        self._target = port
        self.drip = drip
        self._listener = socket.create_server(("127.0.0.1", at))
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        #: The head of each request, as it came.
        self.requests: list[bytes] = []
        #: Everything that came through, in both directions.
        self.seen = bytearray()

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(2.0)

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]  # a method of ours
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                byte = sock.recv(1)
                if not byte:
                    return
                head += byte
            self.requests.append(head)
            self.seen += head
            with socket.create_connection(("127.0.0.1", self._target), 5.0) as onward:
                answer = b"HTTP/1.1 200 Connection established\r\nX-Padding: " + b"x" * 200 + b"\r\n\r\n"
                for index in range(len(answer)):
                    if self.drip and self._closing.wait(self.drip):
                        return
                    sock.sendall(answer[index : index + 1])
                self._carry(sock, onward)

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        while not self._closing.is_set():
            for sock in select.select([one, other], [], [], 0.05)[0]:
                data = sock.recv(65536)
                if not data:
                    return
                self.seen += data
                (other if sock is one else one).sendall(data)
