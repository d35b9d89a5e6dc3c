"""An ingest server on the loopback interface."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from formo_lambda.testing.contract import PATH
from formo_lambda.testing.recording import Inbox


class LocalCollector(Inbox):
    """A server like Formo's, on 127.0.0.1: give its `url` to a client as `api_host`, or as `FORMO_EVENTS_BASE_URL`.

    ```python
    with LocalCollector() as collector:
        analytics = FormoAnalytics("a-key", api_host=collector.url)
        analytics.track("Swap Completed")
        analytics.flush()
        assert len(collector.events) == 1
    ```

    Args:
        write_key: The only key to accept; None accepts any.
        delay: Seconds to wait before each answer, unless an `Answer` says otherwise.
        tls: Serve https with a new certificate (needs `formo-lambda[testing]`). A client trusts it if `SSL_CERT_FILE`
            in its environment names `ca_file`.

    Raises:
        ImportError: `tls=True`, and trustme, which makes the certificate, is not installed.
    """

    #: The file with the authority of the certificate; None without tls.
    ca_file: str | None = None

    def __init__(self, *, write_key: str | None = None, delay: float = 0.0, tls: bool = False) -> None:
        super().__init__(write_key=write_key, delay=delay)
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._tls: ssl.SSLContext | None = None
        if tls:
            self._tls, authority = _certificate()
            self._directory = tempfile.TemporaryDirectory(prefix="formo-collector-")
            ca_file = Path(self._directory.name) / "ca.pem"
            ca_file.write_bytes(authority)
            self.ca_file = str(ca_file)
        # The socket listens from here on; requests before start() wait.
        self._server = _Server(self, self._tls)
        scheme = "https" if tls else "http"
        #: The base address to send to, like `http://127.0.0.1:40123`.
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self._thread: threading.Thread | None = None

    @property
    def connections(self) -> int:
        """How many connections were made so far."""
        return self._server.connections

    def start(self) -> None:
        """Start serving; `with` calls it."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="local-collector", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving, close every connection, and remove the certificate. The requests stay readable."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.close_connections()
        self._server.server_close()
        if self._directory is not None:
            self._directory.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _certificate() -> tuple[ssl.SSLContext, bytes]:
    """Return a server's TLS context for 127.0.0.1 and localhost, and the authority to trust for it, as PEM."""
    try:
        import trustme  # noqa: PLC0415 -- an optional extra
    except ImportError as error:
        message = "LocalCollector(tls=True) needs trustme: pip install 'formo-lambda[testing]'"
        raise ImportError(message, name="trustme") from error
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context, authority.cert_pem.bytes()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Many connections may be opened at once.
    request_queue_size = 128

    def __init__(self, collector: LocalCollector, tls: ssl.SSLContext | None) -> None:
        self.collector = collector
        self.tls = tls
        self.closing = threading.Event()
        self.connections = 0
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), BaseHTTPRequestHandler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection on its own thread, the TLS handshake included: a slow one delays no other connection."""
        with self._lock:
            self.connections += 1
            number = self.connections
        try:
            self._remember(request)
            if self.tls is not None:
                # The wrapped socket owns the descriptor from here on.
                request = self.tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
                self._remember(request)
                request.do_handshake()
            _Handler(request, client_address, self, number)
        finally:
            with self._lock:
                del self._open[threading.current_thread()]
            if self.tls is not None:
                request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore closed connections and refused certificates: tests cause both on purpose."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        """Close every open connection and wait for its thread."""
        with self._lock:
            self.closing.set()
            still_open = dict(self._open)
        for thread, connection in still_open.items():
            _end(connection)
            thread.join(1.0)

    def _remember(self, connection: socket.socket) -> None:
        with self._lock:
            self._open[threading.current_thread()] = connection
            if self.closing.is_set():
                _end(connection)


def _end(connection: socket.socket) -> None:
    # The client may have closed it already.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Send headers and body in one packet.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride] # it is made by this one alone

    def __init__(self, request: Any, client_address: Any, server: _Server, number: int) -> None:
        self.number = number
        super().__init__(request, client_address, server)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.close_connection = True
            self._answer(411, {}, b'{"error": "Length required"}')
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return  # The client closed the connection before the body was complete.
        if self.path != PATH:
            self._answer(404, {}, b'{"error": "Not found"}')
            return
        answer = self.server.collector.receive(body, dict(self.headers.items()), connection=self.number)
        if answer.delay > 0:
            self.server.closing.wait(answer.delay)
        if answer.error is not None:
            self.close_connection = True
            return
        self._answer(answer.status, answer.headers, answer.body or b"")

    def _answer(self, status: int, headers: Any, body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Print nothing."""
