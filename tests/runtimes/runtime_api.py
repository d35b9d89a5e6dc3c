"""Lambda's Runtime API on the loopback interface: the side that AWS's runtime clients talk to."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ROOT = "/2018-06-01/runtime/"


@dataclass
class Invocation:
    """One invocation; all times are `time.monotonic()`."""

    request_id: str
    #: What the handler gets, as JSON.
    event: Any
    #: The time the function may take, in seconds.
    timeout: float
    #: When the runtime was given the event.
    handed_out: float | None = None
    #: When the response or the error of the handler was there, the moment its caller has an answer.
    answered: float | None = None
    #: The value the handler returned, read from JSON.
    response: Any = None
    #: The error document, for a handler that raised.
    error: dict[str, Any] | None = None
    #: When the runtime asked for the next invocation: then it is stopped.
    frozen: float | None = None
    #: The status of the process, where it ended during this invocation.
    exit_status: int | None = None
    #: Whether the process was killed because the time was over.
    timed_out: bool = False


class RuntimeApi:
    """Hands out invocations one at a time and takes the answers.

    Args:
        freeze: Called when the runtime asks for the next invocation, with nobody waiting for an answer any more.
        thaw: Called just before an invocation is handed out.
    """

    def __init__(self, *, freeze: Callable[[], None], thaw: Callable[[], None]) -> None:
        #: Notified whenever anything below changes.
        self.changed = threading.Condition()
        #: Whether the runtime waits for an invocation.
        self.idle = False
        #: The error document of a runtime that could not load the handler.
        self.init_error: dict[str, Any] | None = None
        self._freeze = freeze
        self._thaw = thaw
        self._offered: deque[Invocation] = deque()
        self._running: Invocation | None = None
        self._runtimes = 0
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="runtime-api", daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port, as in `AWS_LAMBDA_RUNTIME_API`."""
        return f"127.0.0.1:{self._server.server_port}"

    def offer(self, invocation: Invocation) -> None:
        """Have the invocation handed out as soon as the runtime asks."""
        with self.changed:
            self._offered.append(invocation)
            self.changed.notify_all()

    def forget_runtime(self) -> None:
        """Take note that the runtime's process is gone: a new one will ask from the beginning."""
        with self.changed:
            self._runtimes += 1
            self.idle = False
            self._running = None
            self._offered.clear()
            self.changed.notify_all()

    def close(self) -> None:
        """Stop serving."""
        self.forget_runtime()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def next_invocation(self) -> Invocation | None:
        """Wait for an invocation and mark it as handed out; None if the runtime that asked is gone."""
        asked = time.monotonic()
        with self.changed:
            runtime = self._runtimes
            self._freeze()
            self.idle = True
            if self._running is not None:
                self._running.frozen = asked
                self._running = None
            self.changed.notify_all()
            self.changed.wait_for(lambda: self._offered or self._runtimes != runtime)
            if self._runtimes != runtime:
                return None
            self.idle = False
            self._running = self._offered.popleft()
            self._running.handed_out = time.monotonic()
            self._thaw()
            return self._running

    def take_answer(self, path: str, document: Any) -> None:
        """Keep what the runtime posted: a response, an error, or an error of its start."""
        now = time.monotonic()
        with self.changed:
            if path == "init/error":
                self.init_error = document
            elif self._running is not None and path.startswith(f"invocation/{self._running.request_id}/"):
                self._running.answered = now
                if path.endswith("/error"):
                    self._running.error = document
                else:
                    self._running.response = document
            self.changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body of an answer leave in one packet
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        if self.path == f"{_ROOT}restore/next":
            # With SnapStart: the snapshot has been taken, and this process is what was made of it.
            self._answer(200, {}, {})
            return
        if self.path != f"{_ROOT}invocation/next":
            self._answer(404, {}, {"errorMessage": "no such path"})
            return
        invocation = self.server.api.next_invocation()
        if invocation is None:
            self.close_connection = True
            return
        self._answer(
            200,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + invocation.timeout) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:test",
            },
            invocation.event,
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.api.take_answer(self.path.removeprefix(_ROOT), json.loads(body or b"null"))
        self._answer(202, {}, {"status": "OK"})

    def _answer(self, status: int, headers: Mapping[str, str], document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep quiet: what happened is in the invocations."""
