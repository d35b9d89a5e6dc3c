"""The transport over urllib3: keep-alive connections that survive a frozen process."""

from __future__ import annotations

import _thread
import codecs
import http.client
import os
import sys
import time
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError, NameResolutionError, ProxyError
from urllib3.util.ssl_ import create_urllib3_context

from formo_lambda import forks
from formo_lambda.options import ANSWER_BODY_WAIT, CONNECTION_IDLE_MAX, MAX_ANSWER_BYTES, MAX_REQUESTS
from formo_lambda.transport.connection import (
    BoundedConnection,
    BoundedHTTPConnection,
    BoundedHTTPSConnection,
)
from formo_lambda.transport.protocol import Endpoint, Response, TransportError, raised_by_signal_handler
from formo_lambda.transport.proxy import proxy_for

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Hashable, Mapping

    from formo_lambda.transport.proxy import Proxy

    Submit = Callable[[Callable[[], object], Hashable], bool]

# Connecting looks this codec up. Were it left to the first sender to load it, a process that forks at that moment would
# leave its child a half-loaded module, and with it no way to connect.
codecs.lookup("idna")

#: Seconds of idleness below which a connection is trusted with the whole time an attempt has.
_HOT: float = 1.0


#: Seconds without an answer after which a connection is opened ahead at the first event of an invocation.
_WARM_AFTER: float = 10.0


class _NoAnswer(Exception):
    """The exchange ended before a status line came; its cause says why."""


#: What `http.client` and urllib3 raise where there is no answer.
_HTTP_FAILURES = (OSError, http.client.HTTPException, HTTPError, ValueError)


#: The packages whose exceptions, beside Python's own, tell of a network that fails.
_NETWORK = frozenset({"builtins", "formo_lambda", "http", "idna", "socket", "ssl", "urllib3"})


class _Opening:
    """A connection that is being opened beside whoever waits for it.

    Args:
        connection: The connection.
        claimed: Whether somebody waits for it. What nobody waits for, the pool keeps once it is open.
    """

    def __init__(self, connection: BoundedConnection, *, claimed: bool) -> None:
        self._connection = connection
        self.claimed = claimed
        self.error: BaseException | None = None
        # Popped by the one who gets the connection: whoever waits, or the pool.
        self._opened: list[BoundedConnection] = []
        self._done = _thread.allocate_lock()
        self._done.acquire()

    def run(self, pool: Pool) -> None:
        """Open it."""
        try:
            self._connection.connect()
        except Exception as error:  # noqa: BLE001 -- told to whoever waits
            self._connection.close()
            self.error = error
        else:
            self._connection.used_at = pool.reached_at = time.time()
            self._opened.append(self._connection)
        self._done.release()
        if not self.claimed:
            self.leave(pool)

    def wait(self, pool: Pool, until: float) -> BoundedConnection | None:
        """Wait until it is open; return None if it could not be opened, or was taken before it was claimed.

        Raises:
            TimeoutError: The moment came, in seconds of the monotonic clock.
        """
        opened = False
        try:
            opened = self._done.acquire(timeout=max(0.0, until - time.monotonic()))
        finally:
            if not opened:  # in time, or at all, if a signal handler raises
                self.leave(pool)
        if not opened:
            raise TimeoutError("timed out")
        return self._opened.pop() if self._opened else None

    def leave(self, pool: Pool) -> None:
        """Let the pool have the connection, now or when it is open."""
        self.claimed = False
        try:
            pool.keep(self._opened.pop())
        except IndexError:  # it is not open yet, or somebody has it
            pass


class Pool(Endpoint):
    """The connections of this process to one endpoint. They outlive the client that opened them.

    Args:
        secure: Whether the endpoint speaks TLS.
        host: Its host.
        port: Its port.
        proxy: The proxy on the way to it.
    """

    def __init__(self, secure: bool, host: str, port: int, proxy: Proxy | None) -> None:  # noqa: FBT001 -- a key
        self._secure = secure
        self._host = host
        self._port = port
        self._proxy = proxy
        self._context: ssl.SSLContext | None = None
        # The most recently used connection is last. Deque operations are atomic, so no lock is needed.
        self._idle: deque[BoundedConnection] = deque()
        #: What is being opened before anybody needs it.
        self._ahead: deque[_Opening] = deque()

    def take_idle(self) -> BoundedConnection | None:
        """Return a connection that looks alive and has not been idle for too long."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            # Unasked bytes mean that the server hung up, but for the session tickets of TLS 1.3, which lie in a
            # connection that has not served yet. Wall clock, because the monotonic one may stand still in a freeze.
            alive = connection.is_connected or not connection.served
            if alive and abs(time.time() - connection.used_at) < CONNECTION_IDLE_MAX:
                return connection
            connection.close()

    def open(self, until: float, submit: Submit) -> BoundedConnection:
        """Return a connection that has just been opened.

        Args:
            until: When the caller stops waiting for it, in seconds of the monotonic clock.
            submit: Has a worker do it, because nothing bounds the resolution of a name.

        Raises:
            Exception: It could not be opened.
        """
        while self._ahead:
            try:
                opening = self._ahead.pop()
            except IndexError:  # another thread has it
                break
            opening.claimed = True
            connection = opening.wait(self, until)
            if connection is not None:
                return connection
        opening = _Opening(self._new_connection(until), claimed=True)
        if not submit(lambda: opening.run(self), ("connect", self)):
            opening.run(self)
        connection = opening.wait(self, until)
        if connection is None:
            raise opening.error or TimeoutError("timed out")
        return connection

    def open_ahead(self, timeout: float, submit: Submit) -> None:
        """Have a connection opened for the next request, unless there was an answer a moment ago."""
        if abs(time.time() - self.reached_at) < _WARM_AFTER or self._ahead:
            return
        ready = self.take_idle()
        if ready is not None:
            self._idle.append(ready)
            return
        opening = _Opening(self._new_connection(time.monotonic() + timeout), claimed=False)
        self._ahead.append(opening)
        if not submit(lambda: self._run_ahead(opening), ("connect", self)):
            self._ahead.remove(opening)

    def _run_ahead(self, opening: _Opening) -> None:
        opening.run(self)
        try:
            self._ahead.remove(opening)
        except ValueError:  # somebody waits for it
            pass

    def keep(self, connection: BoundedConnection) -> None:
        """Keep an idle connection for the next request."""
        if len(self._idle) >= MAX_REQUESTS:
            connection.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Close the idle connections; the next request opens a new one."""
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:  # another thread has just taken it
                return

    def start_over(self) -> None:
        """Forget what is the parent's, in a forked child."""
        self.close()
        self._ahead.clear()
        self.reached_at = 0.0

    def _new_connection(self, until: float) -> BoundedConnection:
        connection: BoundedConnection
        proxy = self._proxy
        host, port = (proxy.host, proxy.port) if proxy else (self._host, self._port)
        if not self._secure:
            connection = BoundedHTTPConnection(host, port)
        else:
            if self._context is None:
                context = create_urllib3_context()
                context.load_default_certs()
                self._context = context
            connection = BoundedHTTPSConnection(host, port, ssl_context=self._context)
            if proxy:
                connection.set_tunnel(self._host, self._port, headers=proxy.headers)
        connection.bound(until)
        return connection


#: The pools of this process, by what makes their connections what they are.
_pools: dict[tuple[object, ...], Pool] = {}


def close_idle() -> None:
    """Close all idle connections of the process, as before a snapshot of it."""
    for pool in list(_pools.values()):
        pool.close()


def _start_over_in_child() -> None:
    for pool in list(_pools.values()):
        pool.start_over()


forks.in_child.append(_start_over_in_child)


class HttpTransport:
    """Sends bodies to one URL. Redirects are answers like any other: nothing follows them.

    Args:
        endpoint: The URL, already checked.
        submit: Has a worker run a task of a group; it returns False where none can be started.

    Attributes:
        pool: The connections that it uses.
    """

    def __init__(self, endpoint: str, submit: Submit) -> None:
        url = urlsplit(endpoint)
        secure = url.scheme == "https"
        host = url.hostname or ""
        port = url.port or (443 if secure else 80)
        proxy = proxy_for(url.scheme, f"{host}:{port}")
        # A proxy that is spoken to in the clear needs the whole URL to know where the request goes.
        forwarded = proxy is not None and not secure
        self._target = endpoint if forwarded else url.path
        self._proxy_headers = proxy.headers if proxy and forwarded else {}
        self._submit = submit
        certificates = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        proxied = None if proxy is None else (proxy.host, proxy.port, *proxy.headers.items())
        key = (secure, host, port, proxied, certificates)
        self.pool = _pools.get(key) or _pools.setdefault(key, Pool(secure, host, port, proxy))

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Send one request and return the answer.

        A connection that was idle may have died while the process was frozen. If it fails before any answer,
        the same body goes out once more at once, on a fresh connection; receivers tell by `message_id`.

        Args:
            body: The JSON array of events.
            headers: The header fields, with the write key.
            timeout: Seconds by which it has returned or raised.

        Raises:
            TransportError: There was no answer.
            Exception: A signal handler raised it, or a framework that ends a request by an exception.
        """
        if sys.platform == "emscripten":
            raise TransportError(
                "this platform has no sockets: pass FormoAnalytics a transport= of your own", retry=False
            )
        until = time.monotonic() + timeout
        requests = 1
        try:
            idle = self.pool.take_idle()
            if idle is not None:
                # A black hole says nothing: leave half of the time for the fresh connection.
                share = 1.0 if time.time() - idle.used_at < _HOT else 0.5
                try:
                    return self._exchange(idle, body, headers, time.monotonic() + timeout * share)
                except _NoAnswer:
                    self.pool.close()
                    requests = 2
            answer = self._exchange(self.pool.open(until, self._submit), body, headers, until)
        except Exception as error:
            cause = error.__cause__ if isinstance(error, _NoAnswer) else error
            if _is_from_outside(cause):
                raise
            raise TransportError(_reason(cause), retry=not _is_certificate_error(cause), requests=requests) from cause
        return answer if requests == 1 else answer._replace(requests=requests)

    def warm(self, timeout: float) -> None:
        """Have a connection opened ahead of the first request."""
        if sys.platform != "emscripten":
            self.pool.open_ahead(timeout, self._submit)

    def close(self) -> None:
        """Close the idle connections; the next request opens a new one."""
        self.pool.close()

    def _exchange(
        self, connection: BoundedConnection, body: bytes, headers: Mapping[str, str], until: float
    ) -> Response:
        connection.bound(until)
        try:
            return self._ask(connection, body, {**headers, **self._proxy_headers})
        except BaseException:
            connection.close()
            raise

    def _ask(self, connection: BoundedConnection, body: bytes, headers: Mapping[str, str]) -> Response:
        try:
            connection.request(
                "POST", self._target, body=body, headers=headers, preload_content=False, decode_content=False
            )
            answer = connection.getresponse()
        except _HTTP_FAILURES as error:
            if _is_from_outside(error):
                raise
            raise _NoAnswer from error
        fields = {name.lower(): value for name, value in answer.headers.items()}
        connection.bound(min(connection.until, time.monotonic() + ANSWER_BODY_WAIT))
        try:
            content = answer.read(MAX_ANSWER_BYTES)
            complete = not answer.read(1)
        except _HTTP_FAILURES as error:
            if _is_from_outside(error):
                raise
            # The status is the answer; a body that breaks off takes nothing back.
            content, complete = b"", False
        if complete and connection.sock is not None:
            connection.used_at = time.time()
            connection.served = True
            self.pool.keep(connection)
        else:
            answer.close()
            connection.close()
        return Response(answer.status, fields, content)


def _is_from_outside(error: BaseException | None) -> bool:
    """Whether an exception is none of the network's: it was raised into the thread while that was sending."""
    return type(error).__module__.partition(".")[0] not in _NETWORK or raised_by_signal_handler(error)


def _is_certificate_error(error: BaseException | None) -> bool:
    while error is not None:
        if type(error).__name__ == "SSLCertVerificationError":  # by its name: not every platform has the module
            return True
        error = error.__cause__ or error.__context__
    return False


def _reason(error: BaseException | None) -> str:
    """Say what went wrong in a few words, without addresses of objects or contents."""
    if isinstance(error, NameResolutionError):
        return "the host name does not resolve"
    if isinstance(error, TimeoutError) or type(error).__name__ == "ConnectTimeoutError":
        return "timed out"
    if isinstance(error, ProxyError):
        return "the proxy refused"
    if _is_certificate_error(error):
        return "the server's certificate is not trusted"
    cause = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, OSError) and cause.strerror:
        return f"{type(cause).__name__}: {cause.strerror}"
    return type(error).__name__
