"""Ways to have many invocations at once: threads, asyncio tasks, and requests to real web servers."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from formo_lambda import FormoAnalytics, formo_flush
from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from typing_extensions import Self

EVENTS = 10
_APPS = "tests.promises.programs.web_apps"
_SERVERS = {
    "uvicorn": ["uvicorn", "--fd", "{fd}", "--lifespan", "off", "--no-access-log", f"{_APPS}:asgi"],
    "gthread": [
        *["gunicorn", "--config", f"python:{_APPS}", "--bind", "fd://{fd}", "--worker-class", "gthread"],
        *["--threads", "200", "--keep-alive", "30", f"{_APPS}:wsgi"],
    ],
}


class Invoked(NamedTuple):
    """What invocations that ran at once did."""

    #: How long each took.
    seconds: list[float]
    #: The message ids of all they tracked.
    ids: set[str]


class Crowd(Protocol):
    """**Protocol:** a process, this one or another, that many invocations run in."""

    def invoke(self, count: int, rounds: int) -> Invoked:
        """Have so many invocations begin at the same time, so many times in a row."""
        ...

    def stats(self) -> dict[str, int]:
        """Return the totals of the client that they track with."""
        ...


def swap(client: FormoAnalytics) -> list[str]:
    """Track ten events; return their ids."""
    return [client.track("SwapCompleted", properties={"number": number}) for number in range(EVENTS)]


def at_once(calls: list[Callable[[], None]]) -> None:
    """Run each of these in a thread of its own, all beginning at the same time; raise what one of them raised."""
    start = threading.Barrier(len(calls))
    errors: list[BaseException] = []

    def work(call: Callable[[], None]) -> None:
        try:
            start.wait(20.0)
            call()
        except BaseException as error:  # noqa: BLE001 - raised below, on the test's thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=[call], daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


class Threads:
    """Invocations on threads of this process."""

    def __init__(self, url: str) -> None:
        self.client = FormoAnalytics("test-key", api_host=url)

    def invoke(self, count: int, rounds: int) -> Invoked:
        """Call a decorated function on each thread."""
        seconds: list[float] = []
        ids: set[str] = set()

        @formo_flush
        def handler() -> list[str]:
            return swap(self.client)

        def work() -> None:
            began = time.perf_counter()
            mine = handler()
            seconds.append(time.perf_counter() - began)
            ids.update(mine)

        for _ in range(rounds):
            at_once([work] * count)
        return Invoked(seconds, ids)

    def stats(self) -> dict[str, int]:
        """Return the client's own."""
        return self.client.stats._asdict()

    def close(self) -> None:
        """Close the client."""
        self.client.close()


class Tasks:
    """Invocations on one asyncio loop in this process."""

    def __init__(self, url: str) -> None:
        self.client = FormoAnalytics("test-key", api_host=url)

    def invoke(self, count: int, rounds: int) -> Invoked:
        """Await a decorated coroutine function in each task."""
        seconds: list[float] = []
        ids: set[str] = set()

        @formo_flush
        async def handler() -> list[str]:
            return swap(self.client)

        async def work() -> None:
            began = time.perf_counter()
            mine = await handler()
            seconds.append(time.perf_counter() - began)
            ids.update(mine)

        async def main() -> None:
            for _ in range(rounds):
                await asyncio.gather(*(work() for _ in range(count)))

        asyncio.run(main())
        return Invoked(seconds, ids)

    def stats(self) -> dict[str, int]:
        """Return the client's own."""
        return self.client.stats._asdict()

    def close(self) -> None:
        """Close the client."""
        self.client.close()


class WebServer:
    """Invocations that are requests to a real server, one process of it; what counts is what its client waits for.

    Args:
        server: One of "uvicorn" and "gthread".
        url: Where its events go.
    """

    def __init__(self, server: str, url: str) -> None:
        # Bound here: who comes before the server is up waits in the backlog.
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - `close` does it
        descriptor = self._socket.fileno()
        settings = {"FORMO_WRITE_KEY": "test-key", "FORMO_EVENTS_BASE_URL": url, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", *(part.format(fd=descriptor) for part in _SERVERS[server])],
            cwd=ROOT,
            env={**os.environ, **settings},
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    @property
    def log(self) -> str:
        """What the server and its application printed so far."""
        return os.pread(self._log.fileno(), 1_000_000, 0).decode(errors="replace")

    def invoke(self, count: int, rounds: int) -> Invoked:
        """Make so many requests, on a connection each."""
        seconds: list[float] = []
        ids: set[str] = set()

        async def main() -> None:
            connections = [await _Connection.open(self._socket.getsockname()[1]) for _ in range(count)]
            for _ in range(rounds):
                answers = await asyncio.gather(*(connection.get("/") for connection in connections))
                seconds.extend(took for took, _ in answers)
                ids.update(*(body for _, body in answers))
            for connection in connections:
                await connection.close()

        self._run(main())
        return Invoked(seconds, ids)

    def stats(self) -> dict[str, int]:
        """Ask the application for the totals of its client."""

        async def main() -> dict[str, int]:
            connection = await _Connection.open(self._socket.getsockname()[1])
            _, body = await connection.get("/stats")
            await connection.close()
            return dict(body)

        totals: dict[str, int] = self._run(main())
        return totals

    def _run(self, asking: Coroutine[Any, Any, Any]) -> Any:
        try:
            return asyncio.run(asyncio.wait_for(asking, 30.0))
        except Exception as error:
            raise RuntimeError(os.pread(self._log.fileno(), 100_000, 0).decode(errors="replace")) from error

    def close(self) -> None:
        """End the server."""
        self._process.terminate()
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()
            self._socket.close()
            self._log.close()


class _Connection:
    """A connection that is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def get(self, path: str) -> tuple[float, Any]:
        """Return the seconds until the whole response is there, and the JSON that it carries."""
        began = time.perf_counter()
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head
        body = await self._reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        return time.perf_counter() - began, json.loads(body)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()
