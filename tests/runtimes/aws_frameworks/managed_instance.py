"""A Lambda Managed Instance: the runtime client forks workers, which all ask for invocations at once."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.package.project import ROOT
from tests.runtimes.runtime_api import Invocation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

_ROOT = "/2018-06-01/runtime/"
_TIMEOUT = 15.0


class ManagedInstance:
    """Runs `python -m awslambdaric <handler>` with a concurrency, and invokes it that many times at once.

    Unlike in a sandbox, nothing is stopped between invocations.

    Args:
        python: The interpreter that has the runtime client.
        handler: `module.function`.
        directory: Where the module lies.
        concurrency: The number of workers.
        environment: The function's environment variables.
    """

    def __init__(
        self, python: Path, handler: str, *, directory: Path, concurrency: int, environment: dict[str, str]
    ) -> None:
        self.waiting: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self.given: dict[str, Invocation] = {}
        self.changed = threading.Condition()
        #: How often a worker asked for an invocation.
        self.asked = 0
        self._concurrency = concurrency
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self._process = subprocess.Popen(
            [python, "-m", "awslambdaric", handler],
            cwd=directory,
            env={
                **inherited,
                "PYTHONPATH": os.pathsep.join([str(directory), str(ROOT)]),
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
                "AWS_LAMBDA_MAX_CONCURRENCY": str(concurrency),
                "AWS_LAMBDA_FUNCTION_NAME": "test",
                "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
                "LAMBDA_TASK_ROOT": str(directory),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that the workers end with it
        )

    @property
    def log(self) -> str:
        """What the processes printed so far."""
        return os.pread(self._log.fileno(), 1_000_000, 0).decode(errors="replace")

    def invoke_all(self, events: Sequence[Any]) -> list[Invocation]:
        """Hand all events out, once all workers have started, and wait for all answers."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.asked >= self._concurrency, _TIMEOUT):
                raise TimeoutError(f"not every worker has started:\n{self.log}")
        invocations = [Invocation(str(uuid.uuid4()), event, 10.0) for event in events]
        for invocation in invocations:
            self.given[invocation.request_id] = invocation
            self.waiting.put(invocation)
        with self.changed:
            if not self.changed.wait_for(lambda: all(one.answered is not None for one in invocations), _TIMEOUT):
                raise TimeoutError(f"not every invocation was answered:\n{self.log}")
        return invocations

    def close(self) -> None:
        """End all processes."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:  # they have ended by themselves
            pass
        self._process.wait()
        for _ in range(self._concurrency):
            self.waiting.put(None)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, instance: ManagedInstance) -> None:
        self.instance = instance
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body of an answer leave in one packet
    server: _Server

    def do_GET(self) -> None:
        instance = self.server.instance
        with instance.changed:
            instance.asked += 1
            instance.changed.notify_all()
        invocation = instance.waiting.get()
        if invocation is None:
            self.close_connection = True
            return
        invocation.handed_out = time.monotonic()
        deadline = int((time.time() + invocation.timeout) * 1000)
        self._answer(
            200,
            invocation.event,
            {"Lambda-Runtime-Aws-Request-Id": invocation.request_id, "Lambda-Runtime-Deadline-Ms": str(deadline)},
        )

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"null")
        _, request_id, outcome = self.path.removeprefix(_ROOT).split("/")
        instance = self.server.instance
        with instance.changed:
            invocation = instance.given[request_id]
            invocation.answered = time.monotonic()
            setattr(invocation, outcome, document)
            instance.changed.notify_all()
        self._answer(202, {"status": "OK"}, {})

    def _answer(self, status: int, document: Any, headers: dict[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep quiet: what happened is in the invocations."""
