"""One loopback port that stays ours while it listens, refuses, or leaves handshakes unanswered."""

from __future__ import annotations

import contextlib
import socket
import threading

HOST = "127.0.0.1"
_BACKLOG = 256


class Port:
    """A free port, refusing at first."""

    def __init__(self) -> None:
        # Bound and never listening: it keeps the port ours, and refusing, while no listener is there.
        self._holder = _bound_socket(0)
        self.number: int = self._holder.getsockname()[1]
        # Held until the port is what it is to be: a listener that is still there keeps another from being bound.
        self._lock = threading.RLock()
        self._listener: socket.socket | None = None
        self._fillers: list[socket.socket] = []

    def listen(self) -> socket.socket | None:
        """Return a new listener, or None if there is a working one."""
        with self._lock:
            if self._listener is not None and not self._fillers:
                return None
            self.refuse()
            self._listener = _bound_socket(self.number)
            self._listener.listen(_BACKLOG)
            return self._listener

    def refuse(self, only: socket.socket | None = None) -> None:
        """Refuse connections from now on; with `only`, unless that listener has been replaced."""
        with self._lock:
            if self._listener is None or only not in {None, self._listener}:
                return
            listener, fillers = self._listener, self._fillers
            self._listener, self._fillers = None, []
            for sock in fillers:
                sock.close()
            # Closing alone would not wake a thread that waits in accept().
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def drop_handshakes(self) -> socket.socket:
        """Leave connection attempts unanswered from now on; returns the listener that does."""
        with self._lock:
            self.refuse()
            self._listener = _bound_socket(self.number)
            # With a full accept queue the kernel drops every further SYN.
            self._listener.listen(0)
            self._fillers = [socket.socket() for _ in range(4)]
            for filler in self._fillers:
                filler.settimeout(0)
                filler.connect_ex((HOST, self.number))
            return self._listener

    def close(self) -> None:
        """Give the port back."""
        self.refuse()
        self._holder.close()


def _bound_socket(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, port))
    return sock
