"""The transport over urllib3: keep-alive connections that survive a frozen process."""

from __future__ import annotations

import http.client
import re
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError, NameResolutionError

from formo_lambda.clock import Moment, monotonic
from formo_lambda.constants import ANSWER_BODY_WAIT, MAX_ANSWER_BYTES
from formo_lambda.errors import ConfigurationError
from formo_lambda.signals import causes
from formo_lambda.transport.pool import pool_for
from formo_lambda.transport.protocol import Response, TransportError, is_from_outside
from formo_lambda.transport.proxy import proxy_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3.response import HTTPResponse

    from formo_lambda.transport.connection import BoundedConnection
    from formo_lambda.transport.pool import Submit

#: Seconds of idleness below which a connection is trusted with the whole time an attempt has.
_HOT: float = 1.0
#: Bytes of an answer that count though the rest of it cannot be read.
_BEGINNING: int = 64
#: What `http.client` says of a proxy that opens no tunnel.
_REFUSED_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")


class _NoAnswer(Exception):
    """The exchange ended before a status line came; its cause says why."""


#: What `http.client` and urllib3 raise where there is no answer.
_HTTP_FAILURES = (OSError, http.client.HTTPException, HTTPError, ValueError)


class HttpTransport:
    """Sends bodies to one URL. Redirects are answers like any other: nothing follows them.

    Args:
        endpoint: The URL, already checked.
        submit: Has a worker run a task of a group; it returns False where none can be started.

    Attributes:
        pool: The connections that it uses.

    Raises:
        ConfigurationError: The environment names a proxy or authorities that cannot be used.
    """

    def __init__(self, endpoint: str, submit: Submit) -> None:
        url = urlsplit(endpoint)
        secure = url.scheme == "https"
        host = url.hostname or ""
        port = url.port or (443 if secure else 80)
        # What is not encrypted stays on this machine.
        proxy = proxy_for(host, port) if secure else None
        self._path = url.path
        self._submit = submit
        self.pool = pool_for(secure, host, port, proxy)

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Send one request and return the answer.

        A connection that was idle may have died while the process was frozen. If it fails before any answer, or ends
        with a 408, the same body goes out once more at once, on a fresh connection; receivers tell by `message_id`.

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
        if sys.is_finalizing():  # urllib3 has to import for each answer
            raise TransportError("the interpreter is ending", retry=False)
        handled = sys.exc_info()[1]
        until = monotonic() + timeout
        requests = 1
        try:
            idle = self.pool.take_idle()
            if idle is not None:
                # A black hole says nothing: leave half of the time for the fresh connection.
                share = 1.0 if idle.used_at.age() < _HOT else 0.5
                try:
                    answer = self._exchange(idle, body, headers, monotonic() + timeout * share)
                    # With this status a server ends a connection that was idle for too long: it says nothing of us.
                    if answer.status != 408 or idle.sock is not None:
                        return answer
                except _NoAnswer:
                    pass
                self.pool.close()
                requests = 2
            answer = self._exchange(self.pool.open(until, self._submit), body, headers, until)
        except Exception as error:
            cause = (error.__cause__ if isinstance(error, _NoAnswer) else None) or error
            if is_from_outside(cause, handled):
                raise
            chain = list(causes(cause, handled))
            lasting = _is_certificate_error(chain) or isinstance(cause, ConfigurationError)
            raise TransportError(_reason(chain), retry=not lasting, requests=requests) from cause
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
        try:
            connection.bound(until)
            return self._ask(connection, body, headers)
        except BaseException:
            connection.close()
            raise

    def _ask(self, connection: BoundedConnection, body: bytes, headers: Mapping[str, str]) -> Response:
        handled = sys.exc_info()[1]
        try:
            connection.request(
                "POST", self._path, body=body, headers=headers, preload_content=False, decode_content=False
            )
        except _HTTP_FAILURES as error:
            if is_from_outside(error, handled):
                raise
            # A server may refuse a request by its head, and hang up on the body.
            try:
                answer = _answer(connection, handled)
            except _NoAnswer:
                raise _NoAnswer from error
        else:
            answer = _answer(connection, handled)
        fields = {name.lower(): value for name, value in answer.headers.items()}
        connection.bound(min(connection.until, monotonic() + ANSWER_BODY_WAIT))
        content, complete = b"", False
        try:
            # The beginning alone tells a web page.
            content = answer.read(_BEGINNING)
            if len(content) == _BEGINNING:
                content += answer.read(MAX_ANSWER_BYTES - _BEGINNING)
            complete = not answer.read(1)
        except _HTTP_FAILURES as error:
            if is_from_outside(error, handled):
                raise
            # The status is the answer; a body that breaks off takes nothing back.
        if answer.status == 421:  # it may be the connection that leads to the wrong server
            self.pool.close()
        # What follows a 101 is another protocol.
        lasts = complete and answer.status not in (101, 421)
        if lasts and connection.sock is not None and connection.sock.reusable:
            connection.used_at = Moment.now()
            self.pool.keep(connection)
        else:
            answer.close()
            connection.close()
        return Response(answer.status, fields, content)


def _answer(connection: BoundedConnection, handled: BaseException | None) -> HTTPResponse:
    try:
        return connection.getresponse()
    except _HTTP_FAILURES as error:
        if is_from_outside(error, handled):
            raise
        raise _NoAnswer from error


def _is_certificate_error(chain: list[BaseException]) -> bool:
    # By its name: not every platform has the module.
    return any(type(error).__name__ in ("SSLCertVerificationError", "CertificateError") for error in chain)


def _reason(chain: list[BaseException]) -> str:  # noqa: PLR0911 -- each failure has its words
    """Say what went wrong in a few words, without addresses of objects or contents.

    Args:
        chain: The failure, and what it was caused by.
    """
    error = chain[0]
    if isinstance(error, NameResolutionError):
        return "the host name does not resolve"
    if isinstance(error, TimeoutError) or type(error).__name__ == "ConnectTimeoutError":
        return "timed out"
    if _is_certificate_error(chain):
        return "the server's certificate is not trusted"
    if isinstance(error, ConfigurationError):
        return str(error)
    refused = _REFUSED_TUNNEL.match(str(error))
    if refused is not None:
        return f"the proxy refused (HTTP {refused[1]})"
    cause = next((cause for cause in chain if isinstance(cause, OSError)), None)
    if cause is not None and cause.strerror:
        return f"{type(cause).__name__}: {cause.strerror}"
    return type(error).__name__
