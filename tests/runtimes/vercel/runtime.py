"""One Vercel function: Vercel's own runtime as a process, and the platform's end of its socket."""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

_INIT_TIMEOUT = 20.0
_END_TIMEOUT = 10.0

# What the file that Vercel's builder puts beside the function does.
_TRAMPOLINE = "from vercel_runtime.vc_init import *"


class Answer(NamedTuple):
    """One answered request; all times are `time.monotonic()`."""

    status: int
    body: bytes
    #: When the first bytes of the body were there.
    first_byte: float
    #: When all bytes of the body were there.
    last_byte: float
    #: When the runtime said that the invocation is over: from then on the instance may be frozen.
    ended: float


class VercelRuntime:
    """Runs a function as Vercel does, and is its proxy.

    Args:
        python: The interpreter that has `vercel-runtime`.
        entrypoint: The file of the function.
        variable: The name in it that Vercel's builder found: `app`, or `handler`.
        environment: The function's environment variables.
    """

    def __init__(
        self, python: Path, entrypoint: Path, variable: str, *, environment: Mapping[str, str] | None = None
    ) -> None:
        self._python = python
        self._entrypoint = entrypoint
        self._variable = variable
        self._environment = dict(environment or {})
        self._directory = tempfile.TemporaryDirectory(prefix="vercel-")
        self._log = (Path(self._directory.name) / "log").open("w+b")
        self._address = str(Path(self._directory.name) / "ipc.sock")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self._address)
        self._listener.listen(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._changed = threading.Condition()
        self._messages: list[tuple[float, dict[str, Any]]] = []
        self._over = False
        self._numbers = itertools.count(1)
        self._port = 0

    @property
    def log(self) -> str:
        """What the process printed, and what it logged over the socket."""
        printed = os.pread(self._log.fileno(), 1_000_000, 0).decode(errors="replace")
        return printed + "".join(self.logged)

    @property
    def logged(self) -> list[str]:
        """What was logged over the socket."""
        return [
            base64.b64decode(message["payload"]["message"]).decode()
            for _, message in self.messages
            if message["type"] == "log"
        ]

    @property
    def messages(self) -> list[tuple[float, dict[str, Any]]]:
        """Every message of the runtime so far, with the time it came."""
        return list(self._messages)

    def start(self) -> None:
        """Start the process and wait until its server is there.

        Raises:
            RuntimeError: It ended before that, or took too long.
        """
        self._process = subprocess.Popen(
            [self._python, "-c", _TRAMPOLINE],
            cwd=self._entrypoint.parent,
            env=self._function_environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._listen, name="vercel-ipc", daemon=True).start()
        threading.Thread(target=self._watch, args=(self._process,), name="vercel-watch", daemon=True).start()
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._of_type("server-started"), _INIT_TIMEOUT)
            started = self._of_type("server-started")
        if not started:
            raise RuntimeError(f"the runtime did not start:\n{self.log}")
        self._port = started[0][1]["payload"]["httpPort"]

    def request(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Send one request and wait until the runtime says that its invocation is over.

        Args:
            path: Its path.
            method: Its method.
            body: Its body.
            headers: Its headers.
            seconds: The time that the function has left, if the platform says so.
        """
        number = next(self._numbers)
        internal = {"x-vercel-internal-invocation-id": f"i-{number}", "x-vercel-internal-request-id": str(number)}
        if seconds is not None:
            deadline = datetime.now(timezone.utc) + timedelta(seconds=seconds)
            internal["x-vercel-internal-deadline"] = deadline.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)) as connection:
            connection.request(method, path, body=body, headers={**(headers or {}), **internal})
            response = connection.getresponse()
            first = response.read(1)
            first_byte = time.monotonic()
            rest = response.read()
            last_byte = time.monotonic()
        return Answer(response.status, first + rest, first_byte, last_byte, self._wait_for_end(number))

    def has_logged(self, text: str) -> bool:
        """Wait until the function has logged a text; False if it does not."""
        with self._changed:
            # Each line comes in parts, as the function writes it.
            return self._changed.wait_for(lambda: text in "".join(self.logged), _END_TIMEOUT)

    def close(self) -> None:
        """Kill the process, as the platform does with an instance it needs no longer."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._listener.close()
        self._log.close()
        self._directory.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait_for_end(self, number: int) -> float:
        def ends() -> list[float]:
            return [
                moment
                for moment, message in self._of_type("end")
                if message["payload"]["context"]["requestId"] == number
            ]

        with self._changed:
            if not self._changed.wait_for(ends, _END_TIMEOUT):
                raise RuntimeError(f"request {number} did not end:\n{self.log}")
            return ends()[0]

    def _of_type(self, kind: str) -> list[tuple[float, dict[str, Any]]]:
        return [(moment, message) for moment, message in self._messages if message["type"] == kind]

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # close() closes the listener
            connection, _ = self._listener.accept()
            with connection:
                received = b""
                while data := connection.recv(65_536):
                    now = time.monotonic()
                    *messages, received = (received + data).split(b"\0")
                    with self._changed:
                        self._messages += [(now, json.loads(message)) for message in messages]
                        self._changed.notify_all()

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _function_environment(self) -> dict[str, str]:
        # No proxies: the function sends to this machine only.
        inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        return {
            **inherited,
            "PYTHONPATH": os.pathsep.join([str(self._entrypoint.parent), str(ROOT)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "VERCEL": "1",
            "VERCEL_ENV": "production",
            "VERCEL_REGION": "iad1",
            # Vercel's functions have these as well.
            "AWS_LAMBDA_FUNCTION_NAME": "a-vercel-function",
            "AWS_REGION": "us-east-1",
            "VERCEL_IPC_PATH": self._address,
            "__VC_HANDLER_ENTRYPOINT": self._entrypoint.name,
            "__VC_HANDLER_ENTRYPOINT_ABS": str(self._entrypoint),
            "__VC_HANDLER_MODULE_NAME": self._entrypoint.stem,
            "__VC_HANDLER_VARIABLE_NAME": self._variable,
            **self._environment,
        }
