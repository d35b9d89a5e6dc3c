"""The connections of this process to one endpoint: opened beside whoever waits, kept alive, shared by all clients."""

from __future__ import annotations

import codecs
import sys
from collections import deque
from typing import TYPE_CHECKING

from urllib3.connection import ProxyConfig

from formo_lambda import forks
from formo_lambda.clock import NEVER, Moment, monotonic
from formo_lambda.constants import CONNECTION_IDLE_MAX, MAX_REQUESTS
from formo_lambda.threads import Latch, home
from formo_lambda.transport import certificates
from formo_lambda.transport.connection import BoundedConnection, BoundedHTTPConnection, BoundedHTTPSConnection
from formo_lambda.transport.protocol import Endpoint

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Hashable

    from formo_lambda.transport.certificates import Setting
    from formo_lambda.transport.proxy import Proxy

    Submit = Callable[[Callable[[], object], Hashable], bool]

# Connecting looks this codec up. Were it left to the first sender to load it, a process that forks at that moment would
# leave its child a half-loaded module, and with it no way to connect.
codecs.lookup("idna")

#: Seconds without an answer after which a connection is opened ahead at the first event of an invocation.
_WARM_AFTER: float = 10.0


class _Opening:
    """A connection that is being opened beside whoever waits for it.

    Args:
        make: Makes the connection, not open yet. Loading authorities takes a moment, and may fail.
        claimed: Whether somebody waits for it. What nobody waits for, the pool keeps once it is open.
    """

    def __init__(self, make: Callable[[], BoundedConnection], *, claimed: bool) -> None:
        self._make = make
        self.home = home()
        self.claimed = claimed
        self.error: BaseException | None = None
        # Popped by the one who gets the connection: whoever waits, or the pool.
        self._opened: list[BoundedConnection] = []
        #: Ends the wait for it: it is open, could not be opened, or may never be.
        self.done = Latch()

    def run(self, pool: Pool) -> None:
        """Open it."""
        connection: BoundedConnection | None = None
        try:
            connection = self._make()
            connection.connect()
        except Exception as error:  # noqa: BLE001 -- told to whoever waits
            if connection is not None:
                if connection.sock is not None:  # the address let itself be connected, and is of no use
                    pool.address = None
                connection.close()
            self.error = error
        else:
            connection.home = self.home
            connection.used_at = pool.reached_at = Moment.now()
            pool.address = connection.address
            self._opened.append(connection)
        self.done()
        if not self.claimed:
            self.leave(pool)

    def wait(self, pool: Pool, until: float) -> BoundedConnection | None:
        """Wait until it is open; return None if it could not be opened, or was taken before it was claimed.

        Raises:
            TimeoutError: The moment came, in seconds of the monotonic clock.
        """
        opened = False
        try:
            opened = self.done.wait(until - monotonic())
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
        tls: The variables of the environment that TLS depends on.

    Attributes:
        address: The address of the host, or of the proxy's, that connected last, and is tried first.
    """

    def __init__(
        self,
        secure: bool,  # noqa: FBT001 -- a part of a key
        host: str,
        port: int,
        proxy: Proxy | None,
        tls: tuple[Setting, ...] = (),
    ) -> None:
        certificates.check(tls)
        self._secure = secure
        self._host = host
        self._port = port
        self._proxy = proxy
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        self.address: str | None = None
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
            try:
                fresh = connection.used_at.age() < CONNECTION_IDLE_MAX
                if fresh and connection.home == home() and connection.sock.is_quiet():
                    return connection
            except BaseException:
                connection.close()
                raise
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
            if opening.home != home():
                continue
            opening.claimed = True
            connection = opening.wait(self, until)
            if connection is not None:
                return connection
        opening = _Opening(lambda: self._new_connection(until), claimed=True)
        if not submit(lambda: opening.run(self), ("connect", self)):
            opening.run(self)
        connection = opening.wait(self, until)
        if connection is None:
            raise opening.error or TimeoutError("timed out")
        return connection

    def open_ahead(self, timeout: float, submit: Submit) -> None:
        """Have a connection opened for the next request, unless there was an answer a moment ago."""
        if self.reached_at.age() < _WARM_AFTER or self._ahead:
            return
        ready = self.take_idle()
        if ready is not None:
            self._idle.append(ready)
            return
        until = monotonic() + timeout
        opening = _Opening(lambda: self._new_connection(until), claimed=False)
        submitted = False
        try:
            self._ahead.append(opening)
            submitted = submit(lambda: self._run_ahead(opening), ("connect", self))
        finally:
            if not submitted:  # no worker can be started, or a signal handler raised
                opening.done()
                self._forget_ahead(opening)

    def _run_ahead(self, opening: _Opening) -> None:
        opening.run(self)
        self._forget_ahead(opening)

    def _forget_ahead(self, opening: _Opening) -> None:
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
        self.reached_at = NEVER

    def _new_connection(self, until: float) -> BoundedConnection:
        connection: BoundedConnection
        proxy = self._proxy
        host, port = (proxy.host, proxy.port) if proxy else (self._host, self._port)
        if not self._secure:
            connection = BoundedHTTPConnection(host, port)
        else:
            context = self._tls_context()
            connection = BoundedHTTPSConnection(host, port, ssl_context=context)
            if proxy:
                connection.proxy_config = ProxyConfig(context, False, None, None)  # noqa: FBT003 -- a tuple of urllib3's
                connection.set_tunnel(self._host, self._port, headers=proxy.headers, scheme=proxy.scheme)
        connection.bound(until)
        connection.address = self.address
        return connection

    def _tls_context(self) -> ssl.SSLContext:
        """Return what TLS is spoken with; a new one once gevent or eventlet has replaced its class."""
        context = self._context
        # Not every platform has the module, and who has no module has no context.
        if context is None or not isinstance(context, sys.modules["ssl"].SSLContext):
            context = self._context = certificates.context(self._tls)
        return context


#: The pools of this process, by what makes their connections what they are.
_pools: dict[tuple[object, ...], Pool] = {}


def pool_for(secure: bool, host: str, port: int, proxy: Proxy | None) -> Pool:  # noqa: FBT001 -- parts of a key
    """Return the pool of an endpoint, the same for all that reach it in the same way.

    Raises:
        ConfigurationError: The environment names authorities that are not there.
    """
    key = (secure, host, port, proxy, certificates.settings() if secure else ())
    return _pools.get(key) or _pools.setdefault(key, Pool(*key))


def close_idle() -> None:
    """Close all idle connections of the process, as before a snapshot of it."""
    for pool in list(_pools.values()):
        pool.close()


def _start_over_in_child() -> None:
    for pool in list(_pools.values()):
        pool.start_over()


forks.in_child.append(_start_over_in_child)
