"""One instance of a Cloud Run function: Google's functions framework with its server, and no CPU between requests."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

_START_TIMEOUT = 20.0
_REQUEST_TIMEOUT = 20.0


class Answer(NamedTuple):
    """One answered request; times are `time.monotonic()`."""

    status: int
    body: bytes
    headers: dict[str, str]
    #: When the first bytes of the body were there.
    first_byte: float
    #: When the response was complete.
    last_byte: float


class CloudRunInstance:
    """Runs `functions-framework --target <target>`.

    As on Cloud Run, all its processes are stopped at the moment the last open request has its complete answer, and
    continued when there is a request.

    Args:
        python: The interpreter that has the framework.
        source: The file of the function.
        target: The name of the function.
        signature: How the framework calls it, where no decorator of the framework says so.
        environment: The function's environment variables.
    """

    def __init__(
        self,
        python: Path,
        source: Path,
        target: str,
        *,
        signature: str = "http",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
        self._open = 0
        self._lock = threading.Lock()
        # No proxies: what the tests send to is on this machine.
        inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self._process = subprocess.Popen(
            [python, "-m", "functions_framework", "--target", target, "--signature-type", signature],
            cwd=source.parent,
            env={
                **inherited,
                "PYTHONPATH": str(ROOT),
                "FUNCTION_SOURCE": str(source),
                "FUNCTION_TARGET": target,
                "K_SERVICE": target,
                "K_REVISION": f"{target}-00001-abc",
                "HOST": "127.0.0.1",
                "PORT": str(self._port),
                "THREADS": "8",
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that the server and its workers can be stopped together
        )

    @property
    def log(self) -> str:
        """What the function and its server printed so far."""
        return os.pread(self._log.fileno(), 1_000_000, 0).decode(errors="replace")

    def start(self) -> None:
        """Wait until the server accepts connections, and stop it until the first request.

        Raises:
            RuntimeError: It ended before that, or took too long.
        """
        give_up = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < give_up and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1.0).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        log = self.log
        self.close()
        raise RuntimeError(f"the function's server is not ready:\n{log}")

    def request(
        self, method: str = "POST", path: str = "/", *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request and read its answer; the instance is stopped with the last byte of the last open one."""
        with self._lock:
            self._open += 1
            self._signal(signal.SIGCONT)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_REQUEST_TIMEOUT)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            received = response.read(1)
            first_byte = time.monotonic()
            received += response.read()
            last_byte = time.monotonic()
        finally:
            with self._lock:
                self._open -= 1
                if self._open == 0:
                    self._signal(signal.SIGSTOP)
            connection.close()
        return Answer(response.status, received, dict(response.getheaders()), first_byte, last_byte)

    def terminate(self, timeout: float = 10.0) -> int:
        """Shut the instance down as Cloud Run does; return the status of the process."""
        self._signal(signal.SIGCONT)
        self._process.terminate()
        return self._process.wait(timeout)

    def close(self) -> None:
        """End all its processes."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._log.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:  # they have ended by themselves
            pass
