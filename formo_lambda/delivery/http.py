"""The transport over urllib3: keep-alive connections that survive a frozen process."""

from __future__ import annotations

import codecs
import http.client
import time
from collections import deque
from threading import get_ident
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError, NameResolutionError, ProxyError
from urllib3.util.ssl_ import create_urllib3_context

from formo_lambda.delivery.connection import (
    BoundedConnection,
    BoundedHTTPConnection,
    BoundedHTTPSConnection,
    BoundedSocket,
)
from formo_lambda.delivery.proxies import proxy_for
from formo_lambda.delivery.transport import Response, TransportError
from formo_lambda.options import ANSWER_BODY_WAIT, CONNECTION_IDLE_MAX, MAX_ANSWER_BYTES

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

# Connecting looks this codec up. Were it left to the first sender to load it, a process that forks at that moment would
# leave its child a half-loaded module, and with it no way to connect.
codecs.lookup("idna")

#: Seconds of idleness below which a connection is trusted with the whole time an attempt has.
_HOT: float = 1.0


class HttpTransport:
    """Sends bodies to one URL. Redirects are answers like any other: nothing follows them.

    Args:
        endpoint: The URL, already checked.
    """

    def __init__(self, endpoint: str) -> None:
        url = urlsplit(endpoint)
        self._secure = url.scheme == "https"
        self._host = url.hostname or ""
        self._port = url.port or (443 if self._secure else 80)
        self._proxy = proxy_for(url.scheme, f"{self._host}:{self._port}")
        # A proxy that is spoken to in the clear needs the whole URL to know where the request goes.
        forwarded = self._proxy is not None and not self._secure
        self._target = endpoint if forwarded else url.path
        self._proxy_headers = self._proxy.headers if self._proxy and forwarded else {}
        self._context: ssl.SSLContext | None = None
        # The most recently used connection last. Deque operations are atomic, so no lock is needed.
        self._idle: deque[BoundedConnection] = deque()
        #: The connection that each thread is in an exchange on.
        self._busy: dict[int, BoundedConnection] = {}

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Send one request and return the answer.

        A connection that was used before may have died while the process was frozen. If it fails before any answer,
        the same body goes out once more at once, on a fresh connection; receivers tell by `message_id`.

        Args:
            body: The JSON array of events.
            headers: The header fields, with the write key.
            timeout: Seconds by which it has returned or raised; only name resolution may take longer.

        Raises:
            TransportError: There was no answer.
        """
        deadline = time.monotonic() + timeout
        used = self._take_idle()
        if used is not None:
            # A black hole says nothing: leave half of the time for the fresh connection.
            share = 1.0 if time.time() - used.used_at < _HOT else 0.5
            try:
                return self._exchange(used, body, headers, time.monotonic() + timeout * share)
            except _NoAnswer:
                self.close()
        extra = 0 if used is None else 1
        fresh = self._new_connection()
        try:
            answer = self._exchange(fresh, body, headers, deadline)
        except _NoAnswer as failure:
            cause = failure.__cause__
            raise TransportError(_reason(cause), retry=not _is_certificate_error(cause), requests=1 + extra) from cause
        return answer._replace(requests=1 + extra)

    def warm(self, timeout: float) -> None:
        """Open a connection for the next request, unless one lies ready.

        Raises:
            TransportError: It could not be opened.
        """
        ready = self._take_idle()
        if ready is None:
            ready = self._new_connection()
            ready.bound(time.monotonic() + timeout)
            try:
                ready.connect()
            except (OSError, http.client.HTTPException, HTTPError, ValueError) as error:
                ready.close()
                raise TransportError(_reason(error)) from error
            ready.used_at = time.time()
        self._idle.append(ready)

    def interrupt(self, thread: int) -> None:
        """End the exchange that a thread is in, if it is in one; name resolution cannot be ended."""
        connection = self._busy.get(thread)
        bounded = connection.sock if connection is not None else None
        if isinstance(bounded, BoundedSocket):
            try:
                bounded.hang_up()
            except OSError:  # it has just ended by itself
                pass

    def close(self) -> None:
        """Close the idle connections; the next request opens a new one."""
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:
                return

    def _exchange(
        self, connection: BoundedConnection, body: bytes, headers: Mapping[str, str], until: float
    ) -> Response:
        connection.bound(until)
        thread = get_ident()
        self._busy[thread] = connection
        try:
            return self._ask(connection, body, headers)
        finally:
            del self._busy[thread]

    def _ask(self, connection: BoundedConnection, body: bytes, headers: Mapping[str, str]) -> Response:
        try:
            connection.request(
                "POST",
                self._target,
                body=body,
                headers={**headers, **self._proxy_headers},
                preload_content=False,
                decode_content=False,
            )
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException, HTTPError, ValueError) as error:
            connection.close()
            raise _NoAnswer from error
        fields = {name.lower(): value for name, value in answer.headers.items()}
        connection.bound(min(connection.until, time.monotonic() + ANSWER_BODY_WAIT))
        try:
            content = answer.read(MAX_ANSWER_BYTES)
            complete = not answer.read(1)
        except (OSError, http.client.HTTPException, HTTPError, ValueError):
            # The status is the answer; a body that breaks off takes nothing back.
            content, complete = b"", False
        if complete and connection.sock is not None:
            connection.used_at = time.time()
            connection.served = True
            self._idle.append(connection)
        else:
            answer.close()
            connection.close()
        return Response(answer.status, fields, content)

    def _take_idle(self) -> BoundedConnection | None:
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

    def _new_connection(self) -> BoundedConnection:
        connection: BoundedConnection
        proxy = self._proxy
        host, port = (proxy.host, proxy.port) if proxy else (self._host, self._port)
        if not self._secure:
            return BoundedHTTPConnection(host, port)
        if self._context is None:
            context = create_urllib3_context()
            context.load_default_certs()
            self._context = context
        connection = BoundedHTTPSConnection(host, port, ssl_context=self._context)
        if proxy:
            connection.set_tunnel(self._host, self._port, headers=proxy.headers)
        return connection


class _NoAnswer(Exception):
    """The exchange ended before a status line came; its cause says why."""


def _is_certificate_error(error: BaseException | None) -> bool:
    import ssl  # noqa: PLC0415 -- loaded by urllib3 already; kept out of the module for platforms without it

    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
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
