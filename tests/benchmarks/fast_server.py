"""A server that answers at once, or after a set delay, and otherwise only counts. It runs as its own process.

Tests that need a server which many clients at once do not slow down use it, too.

Whatever it wants to know of the bodies it finds out when it is asked, which is between two timings.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import sys
from typing import Any

#: Every event of every subject has this name, once.
_EVENT = b"SwapCompleted"
#: One answer that all of them take for success.
_ANSWER = b'{"successful_rows":1,"quarantined_rows":0,"status":1,"code":200,"success":true}'


class _State:
    """What is counted since the last time it was asked for, and the delay in force."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.under_way = 0
        self.forget()

    def forget(self) -> None:
        self.connections = 0
        self.received = 0
        self.most_at_once = 0
        self.bodies: list[bytes] = []

    def take(self) -> dict[str, int]:
        """Return the counts and begin anew."""
        events = sum(_plain(body).count(_EVENT) for body in self.bodies)
        taken = {
            "connections": self.connections,
            "requests": len(self.bodies),
            "bytes": self.received,
            "events": events,
            "at_once": self.most_at_once,
        }
        self.forget()
        return taken

    def ids(self) -> list[str]:
        """Return the message id of each event of ours since it was last asked for the counts."""
        return [event["message_id"] for body in self.bodies for event in json.loads(_plain(body))]

    def begin(self) -> None:
        """Count a request that is under way from now on."""
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)


class _Exchange(asyncio.Protocol):
    """One connection: requests one after the other, each with a Content-Length."""

    def __init__(self, state: _State) -> None:
        self._state = state
        self._buffer = bytearray()
        self._head = b""
        self._length = -1
        self._under_way = False
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._state.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._length < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._head = bytes(self._buffer[:end])
            del self._buffer[: end + 4]
            _, found, rest = self._head.lower().partition(b"\r\ncontent-length:")
            self._length = int(rest.partition(b"\r\n")[0]) if found else 0
        if len(self._buffer) < self._length:
            return
        body = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        self._length = -1
        self._serve(self._head, body)

    def _serve(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1].decode("ascii")
        if path.startswith("/control/delay/"):
            self._state.delay = float(path.rsplit("/", 1)[1])
            self._answer(b"{}")
        elif path == "/control/take":
            self._state.connections -= 1  # the one that asks
            self._answer(json.dumps(self._state.take()).encode())
        elif path == "/control/ids":
            self._answer(json.dumps(self._state.ids()).encode())
        else:
            self._under_way = True
            self._state.begin()
            self._state.received += len(head) + 4 + len(body)
            self._state.bodies.append(body)
            if self._state.delay:
                asyncio.get_running_loop().call_later(self._state.delay, self._answer, _ANSWER)
            else:
                self._answer(_ANSWER)

    def _answer(self, body: bytes) -> None:
        self._end()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        if b"connection: close" in self._head.lower():
            self._transport.close()

    def _end(self) -> None:
        if self._under_way:
            self._under_way = False
            self._state.under_way -= 1


def _plain(body: bytes) -> bytes:
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


async def _main(certificate: str) -> None:
    state = _State()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    ports = []
    for tls in (None, context):
        server = await loop.create_server(lambda: _Exchange(state), "127.0.0.1", 0, ssl=tls, backlog=256)
        ports.append(server.sockets[0].getsockname()[1])
    print(json.dumps(ports), flush=True)
    # It ends with whoever started it.
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
