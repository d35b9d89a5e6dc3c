"""A loopback proxy that connects as it is told, and remembers all it could read."""

from __future__ import annotations

import select
import socket
import ssl

from tests.transport.peer import Peer


class LoopbackProxy(Peer):
    """A proxy for CONNECT that leads every host name to one port of this machine.

    Args:
        port: Where every tunnel ends.
        at: The port to listen on; 0 for a free one.
        host: The address to listen at.
        drip: Seconds between the bytes of the answer to CONNECT; 0 for an answer at once. Read at each byte.
        tls: What is spoken with clients; None for in the clear.
        credentials: The value of Proxy-Authorization without which nobody is let through; None for anybody.
    """

    def __init__(
        self,
        port: int,
        *,
        at: int = 0,
        host: str = "127.0.0.1",
        drip: float = 0.0,
        tls: ssl.SSLContext | None = None,
        credentials: str | None = None,
    ) -> None:
        super().__init__(self._lead, at=at, host=host, tls=tls)
        self._target = port
        self.drip = drip
        self.credentials = credentials
        self.port = self.address[1]
        #: The head of each request, as it came.
        self.requests: list[bytes] = []
        #: Everything that came through, in both directions.
        self.seen = bytearray()

    def _lead(self, sock: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = sock.recv(1)
            if not byte:
                return
            head += byte
        self.requests.append(head)
        self.seen += head
        if self.credentials is not None and f"Proxy-Authorization: {self.credentials}\r\n".encode() not in head:
            sock.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self._target), 5.0) as onward:
            answer = b"HTTP/1.1 200 Connection established\r\nX-Padding: " + b"x" * 200 + b"\r\n\r\n"
            for index in range(len(answer)):
                if self.drip and self.over.wait(self.drip):
                    return
                sock.sendall(answer[index : index + 1])
            self._carry(sock, onward)

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        while not self.over.is_set():
            for sock in select.select([one, other], [], [], 0.05)[0]:
                data = sock.recv(65536)
                if not data:
                    return
                if isinstance(sock, ssl.SSLSocket) and sock.pending():
                    data += sock.recv(sock.pending())  # which `select` does not see
                self.seen += data
                (other if sock is one else one).sendall(data)
