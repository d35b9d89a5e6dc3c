"""What the tests of bounds share: programs that are ended by force, and a peer that can hold a connection up."""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from tests.promises.exits.process import Process
from tests.transport.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.promises.exits.process import Ended

T = TypeVar("T")

#: What a call may take beyond its deadline. Wide: whoever hangs here does so for half a minute.
ROOM = 1.0
#: Seconds after which a program of these tests is ended by force.
HARD_END = 10.0
#: Seconds between two bytes of who drips: less than any time limit on a single call, so that only one on all helps.
DRIP = 0.05
#: The name that the certificates of the tests are valid for; nobody resolves it.
NAME = "events.example.test"

Mode = Literal["pass", "silent", "connect", "drip"]


@contextlib.contextmanager
def programs(
    name: str, arguments: Sequence[Sequence[str]], *, url: str, environ: Mapping[str, str] | None = None
) -> Iterator[list[Process]]:
    """Start a program of the folder `programs` beside this file once for each list of arguments, side by side.

    All of them are ready when it begins, and nothing of them is left when it ends.
    """
    path = str(Path(__file__).parent / "programs" / name)
    with contextlib.ExitStack() as ends:
        started: list[Process] = []
        for each in arguments:
            process = Process(path, *each, url=url, environ=environ)
            ends.callback(ended, process, 0.0)
            started.append(process)
        for process in started:
            process.wait_ready()
        yield started


def ended(process: Process, seconds: float = HARD_END) -> Ended:
    """Wait for the end of a program; bring it about by force after that many seconds, which its status tells."""
    try:
        return process.ended(seconds)
    except subprocess.TimeoutExpired:
        return process.ended()


def all_ended(processes: Sequence[Process], seconds: float = HARD_END) -> list[Ended]:
    """Wait for the end of several programs, together no longer than for one."""
    end = time.monotonic() + seconds
    return [ended(process, max(0.0, end - time.monotonic())) for process in processes]


def within(seconds: float, call: Callable[[], T]) -> T:
    """Return what a call returns; fail after that many seconds, though it may hang for ever."""
    results: list[T] = []
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), f"it has not returned within {seconds} s"
    assert results, "it raised"
    return results[0]


class Gate(Peer):
    """Stands before a server and lets connections through, or holds them up: as its mode says when they are made.

    What is held up stays so until the client leaves, whatever the mode is later.

    Args:
        port: Where the server listens.
        mode: "pass" leads to the server, "connect" does so after CONNECT as a proxy; "silent" never says anything,
            "drip" answers CONNECT a byte at a time, for two minutes.
    """

    def __init__(self, port: int, mode: Mode) -> None:
        super().__init__(self._treat_as_told)
        self._target = port
        self.mode: Mode = mode
        self._lock = threading.Lock()
        self._held = 0
        self._made = 0

    @property
    def held(self) -> int:
        """How many connections are held up now: the client has not left them."""
        with self._lock:
            return self._held

    @property
    def made(self) -> int:
        """How many connections were made that are or were held up."""
        with self._lock:
            return self._made

    def _treat_as_told(self, sock: socket.socket) -> None:
        mode = self.mode
        if mode in {"silent", "drip"}:
            with self._lock:
                self._held += 1
                self._made += 1
            try:
                self._hold(sock, drips=mode == "drip")
            finally:
                with self._lock:
                    self._held -= 1
            return
        with socket.create_connection(("127.0.0.1", self._target), 5.0) as onward:
            if mode == "connect":
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    byte = sock.recv(1)
                    if not byte:
                        return
                    head += byte
                sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._carry(sock, onward)

    def _hold(self, sock: socket.socket, *, drips: bool) -> None:
        sock.settimeout(0.02)
        answer = iter(b"HTTP/1.1 200 Connection established\r\nX-Padding: " + b"x" * 2_000)
        next_byte = time.monotonic()
        while not self.over.is_set():
            try:
                if not sock.recv(65536):
                    return
            except TimeoutError:
                pass
            if drips and time.monotonic() >= next_byte:
                next_byte += DRIP
                sock.send(bytes([next(answer)]))

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        while not self.over.is_set():
            for sock in select.select([one, other], [], [], 0.05)[0]:
                data = sock.recv(65536)
                if not data:
                    return
                (other if sock is one else one).sendall(data)
