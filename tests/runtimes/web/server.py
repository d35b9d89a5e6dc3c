"""One web application under a real server, as in a container."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

APPS = Path(__file__).parent / "apps"

#: How each server is told to serve an application on an inherited socket, `{fd}`.
SERVERS = {
    "gunicorn sync": ["gunicorn", "--bind", "fd://{fd}", "--worker-class", "sync"],
    "gunicorn gthread": ["gunicorn", "--bind", "fd://{fd}", "--worker-class", "gthread", "--threads", "8"],
    "uvicorn": ["uvicorn", "--fd", "{fd}"],
}


class Answer(NamedTuple):
    """One answer; all times are `time.monotonic()`."""

    status: int
    body: bytes
    #: When the first byte of the body was there; the head, where there is no body.
    first_byte: float
    #: When the client had the whole response.
    last_byte: float


class WebServer:
    """Runs a server with one application.

    Args:
        python: The interpreter that has the server and the framework.
        server: One of SERVERS.
        application: `module:name` of one of the tests' applications.
        environment: Its environment variables.
    """

    def __init__(self, python: Path, server: str, application: str, environment: Mapping[str, str]) -> None:
        self._command = [str(python), "-m", *SERVERS[server], f"tests.runtimes.web.apps.{application}"]
        self._environment = dict(environment)
        # Bound here: whoever comes before the server is up waits in the backlog.
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - __exit__ closes it
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What the server printed so far."""
        return os.pread(self._log.fileno(), 1_000_000, 0).decode(errors="replace")

    def has_logged(self, text: str) -> bool:
        """Wait until the server has printed a text; False if it does not."""
        deadline = time.monotonic() + 5.0
        while text not in self.log and time.monotonic() < deadline:
            time.sleep(0.01)
        return text in self.log

    def request(self, path: str, method: str = "GET") -> Answer:
        """Send a request and take note of when the answer comes.

        Raises:
            RuntimeError: There is no answer.
        """
        port = self._socket.getsockname()[1]
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
            try:
                connection.request(method, path)
                response = connection.getresponse()
            except OSError as error:
                raise RuntimeError(f"no answer: {error}\n{self.log}") from error
            first = response.read(1)
            first_byte = time.monotonic()
            rest = response.read()
            return Answer(response.status, first + rest, first_byte, time.monotonic())

    def hang_up(self, path: str) -> None:
        """Send a request, read the first byte of its body, and be gone."""
        with socket.create_connection(self._socket.getsockname(), timeout=20) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
            received = b""
            while not received.partition(b"\r\n\r\n")[2]:
                received += connection.recv(1024)

    def __enter__(self) -> Self:
        descriptor = self._socket.fileno()
        self._process = subprocess.Popen(
            [part.format(fd=descriptor) for part in self._command],
            cwd=ROOT,
            env=self._server_environment(),
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._socket.close()
        self._log.close()

    def _server_environment(self) -> dict[str, str]:
        # No proxies: the application sends to this machine only.
        inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        return {
            **inherited,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            **self._environment,
        }
