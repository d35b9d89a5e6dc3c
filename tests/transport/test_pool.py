"""The connections of the process to one endpoint: shared, few while idle, opened beside whoever waits for them."""

from __future__ import annotations

import gc
import signal
import socket
import threading
import time
import warnings
from typing import TYPE_CHECKING

import pytest

from formo_lambda.clock import NEVER, Moment, monotonic
from formo_lambda.constants import INGEST_PATH, MAX_REQUESTS
from formo_lambda.delivery.workers import workers
from formo_lambda.testing import LocalCollector
from formo_lambda.transport.http import HttpTransport
from formo_lambda.transport.protocol import TransportError
from tests.promises.faults.certificates import Certificates
from tests.testing.wire import HEADERS, wire_body, wire_event
from tests.transport.peer import Peer
from tests.transport.pools import own_pools

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from pathlib import Path

BODY = wire_body(wire_event())


_pools = pytest.fixture(autouse=True)(own_pools)


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    """A collector that is up."""
    with LocalCollector() as started:
        yield started


@pytest.fixture
def transport(collector: LocalCollector) -> HttpTransport:
    """A transport to it."""
    return transport_to(collector)


def transport_to(
    collector: LocalCollector, submit: Callable[[Callable[[], object], Hashable], bool] = workers.submit
) -> HttpTransport:
    """Return a transport to a collector."""
    return HttpTransport(collector.url + INGEST_PATH, submit)


def status(transport: HttpTransport, timeout: float = 5.0) -> int:
    """Send one body, as one request; return the status of the answer."""
    answer = transport.send(BODY, HEADERS, timeout)
    assert answer.requests == 1
    return answer.status


def side_by_side(number: int, call: Callable[[], object]) -> None:
    """Make so many calls at the same time, and wait for them."""
    threads = [threading.Thread(target=call) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def until(condition: Callable[[], object], seconds: float = 3.0) -> bool:
    """Wait for a condition; return whether it came true in time."""
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.005)
    return bool(condition())


class Resolution:
    """Stands for the resolution of names, which waits until it may go on.

    Attributes:
        open: Whether it may.
        threads: The thread of each resolution, in the order in which they began.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.open = threading.Event()
        self.threads: list[int] = []
        self._resolve = socket.getaddrinfo
        patch.setattr(socket, "getaddrinfo", self)

    def __call__(self, *args: object, **more: object) -> object:
        """Resolve a name."""
        self.threads.append(threading.get_ident())
        assert self.open.wait(10.0)
        return self._resolve(*args, **more)  # type: ignore[arg-type] # passed on as they came


@pytest.fixture
def resolution(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolution]:
    """Names are not resolved until the test says so."""
    held = Resolution(monkeypatch)
    yield held
    held.open.set()


# -- shared ------------------------------------------------------------------------------------------------------------


def test_transports_of_one_endpoint_share_connections(collector: LocalCollector) -> None:
    """A client that is made at each call of a handler finds the connection of the one before it."""
    for _ in range(5):
        assert status(transport_to(collector)) == 200
    assert collector.connections == 1


def test_what_one_transport_opens_ahead_serves_another(collector: LocalCollector) -> None:
    """The connection belongs to the process, whichever client asked for it."""
    transport_to(collector).warm(5.0)
    assert status(transport_to(collector)) == 200
    assert collector.connections == 1


def test_other_endpoints_have_connections_of_their_own(
    collector: LocalCollector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Scheme, host, port, proxy and authorities make an endpoint; the path does not."""
    pool = transport_to(collector).pool
    assert HttpTransport(collector.url + "/other/path", workers.submit).pool is pool
    others = [HttpTransport(collector.url.replace("127.0.0.1", "localhost") + INGEST_PATH, workers.submit).pool]
    others.append(HttpTransport(collector.url.replace("http:", "https:") + INGEST_PATH, workers.submit).pool)
    with LocalCollector() as another:
        others.append(transport_to(another).pool)
    far = "https://events.example.test" + INGEST_PATH
    others.append(HttpTransport(far, workers.submit).pool)
    monkeypatch.setenv("SSL_CERT_FILE", str(Certificates(tmp_path).authority_file))
    others.append(HttpTransport(far, workers.submit).pool)
    for proxy in ("http://127.0.0.1:9", "https://127.0.0.1:9", "http://user:password@127.0.0.1:9"):
        monkeypatch.setenv("https_proxy", proxy)
        others.append(HttpTransport(far, workers.submit).pool)
    assert len({id(each) for each in (pool, *others)}) == 9
    assert HttpTransport(far, workers.submit).pool is others[-1]


# -- idle --------------------------------------------------------------------------------------------------------------


def test_at_most_ten_connections_lie_idle(collector: LocalCollector, transport: HttpTransport) -> None:
    """Of those that a burst opened, ten stay for the next one."""
    collector.delay = 0.2
    side_by_side(MAX_REQUESTS + 2, lambda: status(transport))
    assert collector.connections == MAX_REQUESTS + 2
    assert len(transport.pool._idle) == MAX_REQUESTS == 10
    side_by_side(MAX_REQUESTS, lambda: status(transport))
    assert collector.connections == MAX_REQUESTS + 2


def test_close_closes_what_was_opened_ahead(collector: LocalCollector, transport: HttpTransport) -> None:
    """An invocation that discards its events leaves no connection behind once its client is closed."""
    transport.warm(5.0)
    assert until(lambda: collector.connections == 1)
    assert until(lambda: idle(transport) == 1)
    transport.close()
    assert status(transport) == 200
    assert collector.connections == 2


@pytest.mark.parametrize(
    ("age", "connections"),
    [
        (40.0, 1),
        (60.0, 2),
        (86_400.0, 2),
        (-60.0, 2),
    ],
)
def test_a_connection_opened_ahead_grows_old_as_any_other(
    collector: LocalCollector, transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, age: float, connections: int
) -> None:
    """Nothing was sent before a long freeze: what was opened before it is not trusted after it."""
    transport.warm(5.0)
    assert until(lambda: idle(transport) == 1)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + age)
    assert status(transport) == 200
    assert collector.connections == connections


def test_a_connection_that_died_before_its_first_request_is_replaced_at_once() -> None:
    """A server may tire of a connection that was opened ahead: the body goes out on a fresh one."""
    bodies: list[bytes] = []
    gone = threading.Event()

    def serve(connection: socket.socket) -> None:
        if not gone.is_set():
            connection.close()
            gone.set()
            return
        bodies.append(connection.recv(100_000))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with Peer(serve) as peer:
        transport = HttpTransport(peer.url + INGEST_PATH, workers.submit)
        transport.warm(5.0)
        assert gone.wait(3.0)
        assert until(lambda: idle(transport) == 1)
        time.sleep(0.05)
        assert transport.send(BODY, HEADERS, 5.0).status == 200
    assert [body.partition(b"\r\n\r\n")[2] for body in bodies] == [BODY]


# -- opened ahead ------------------------------------------------------------------------------------------------------


def test_warming_returns_at_once(resolution: Resolution, transport: HttpTransport) -> None:
    """Whoever tracks the first event does not wait for a name to be resolved."""
    began = time.monotonic()
    transport.warm(5.0)
    assert time.monotonic() - began < 0.2
    assert until(lambda: resolution.threads)
    assert resolution.threads != [threading.get_ident()]


def test_a_request_waits_for_the_connection_that_is_being_opened(
    collector: LocalCollector, resolution: Resolution, transport: HttpTransport
) -> None:
    """It is not opened twice."""
    transport.warm(5.0)
    transport.warm(5.0)
    threading.Timer(0.1, resolution.open.set).start()
    assert status(transport) == 200
    assert (collector.connections, len(resolution.threads)) == (1, 1)


def test_a_request_does_not_wait_for_what_no_worker_opens(collector: LocalCollector) -> None:
    """Out of threads, whoever waits already for the connection that should be opened ahead opens one itself."""
    answers: list[int] = []
    request = threading.Thread(target=lambda: answers.append(status(own, 20.0)))

    def refuse(task: object, group: object) -> bool:
        if threading.current_thread() is not request:
            request.start()
            assert until(lambda: not own.pool._ahead)
        return False

    own = transport_to(collector, refuse)
    own.warm(20.0)
    request.join(5.0)
    assert answers == [200]


def test_further_requests_open_their_own(
    collector: LocalCollector, resolution: Resolution, transport: HttpTransport
) -> None:
    """Of three requests at once, one has the connection that was opened ahead."""
    collector.delay = 0.1
    transport.warm(5.0)
    threading.Timer(0.1, resolution.open.set).start()
    side_by_side(3, lambda: status(transport))
    assert collector.connections == len(resolution.threads) == 3


def _ago(seconds: float) -> Moment:
    """Return a moment so many seconds ago."""
    return Moment(time.time() - seconds, monotonic() - seconds)


def test_nothing_is_opened_ahead_of_a_connection_that_lies_ready(
    collector: LocalCollector, transport: HttpTransport
) -> None:
    """Not right after an answer, and not while a connection from before is good still."""
    status(transport)
    transport.warm(5.0)
    transport.pool.reached_at = _ago(45.0)
    transport.warm(5.0)
    transport.pool._idle[-1].used_at = _ago(45.0)
    transport.warm(5.0)
    assert not transport.pool._ahead
    transport.pool._idle[-1].used_at = _ago(90.0)
    transport.warm(5.0)
    assert status(transport) == 200
    assert collector.connections == 2


def test_a_connection_that_could_not_be_opened_ahead_is_opened_anew(
    collector: LocalCollector, transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed for nobody is no failure of the request."""
    failed = threading.Event()
    resolve = socket.getaddrinfo

    def fail(*args: object, **more: object) -> object:
        if failed.is_set():
            return resolve(*args, **more)  # type: ignore[arg-type] # passed on as they came
        failed.set()
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    transport.warm(5.0)
    assert failed.wait(3.0)
    assert status(transport) == 200
    assert collector.connections == 1


# -- abandoned ---------------------------------------------------------------------------------------------------------


def assert_it_times_out(transport: HttpTransport, seconds: float) -> None:
    """A request must end by its moment, without an answer."""
    began = time.monotonic()
    with pytest.raises(TransportError, match="timed out"):
        transport.send(BODY, HEADERS, seconds)
    assert seconds * 0.9 <= time.monotonic() - began < seconds + 0.25


def idle(transport: HttpTransport) -> int:
    """Return how many connections lie idle."""
    return len(transport.pool._idle)


def test_an_opening_that_ends_after_its_moment_is_closed(
    collector: LocalCollector, resolution: Resolution, transport: HttpTransport
) -> None:
    """A name that takes its time does not hold the request; what comes of it is not kept, and not left open."""
    gc.disable()  # It must not be what closes the connection.
    try:
        assert_it_times_out(transport, 0.2)
        resolution.open.set()
        assert until(lambda: ("connect", transport.pool) not in workers._running)
        assert (idle(transport), collector.requests) == (0, [])
        assert until(lambda: not collector._server._open, 0.5)
    finally:
        gc.enable()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


def test_an_opening_that_outlives_its_request_is_for_the_next_one(
    collector: LocalCollector, resolution: Resolution, transport: HttpTransport
) -> None:
    """What was opened ahead had more time than the request that waited for it: it is kept."""
    transport.warm(5.0)
    assert_it_times_out(transport, 0.2)
    resolution.open.set()
    assert until(lambda: idle(transport) == 1)
    assert status(transport) == 200
    assert (collector.connections, len(resolution.threads)) == (1, 1)


def test_an_opening_that_nobody_began_is_not_begun_late(collector: LocalCollector) -> None:
    """Where all workers are held by a name, the tasks of abandoned requests end as they begin."""
    tasks: list[Callable[[], object]] = []

    def submit(task: Callable[[], object], _: Hashable) -> bool:
        tasks.append(task)
        return True

    transport = transport_to(collector, submit)
    assert_it_times_out(transport, 0.1)
    assert len(tasks) == 1
    for task in tasks:
        task()
    assert (collector.connections, idle(transport)) == (0, 0)


def test_an_opening_whose_waiter_was_interrupted_is_kept(
    collector: LocalCollector, resolution: Resolution, transport: HttpTransport
) -> None:
    """A signal handler that raises ends the wait; the connection is for the next request."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            transport.send(BODY, HEADERS, 5.0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    resolution.open.set()
    assert until(lambda: idle(transport) == 1)
    assert status(transport) == 200
    assert (collector.connections, len(resolution.threads)) == (1, 1)


# -- without threads ---------------------------------------------------------------------------------------------------


def test_without_workers_everything_runs_on_the_callers_thread(
    collector: LocalCollector, resolution: Resolution
) -> None:
    """Where no thread can be started, sending opens its connections itself, and nothing is opened ahead."""
    resolution.open.set()
    asked: list[Hashable] = []

    def submit(_: Callable[[], object], group: Hashable) -> bool:
        asked.append(group)
        return False

    transport = transport_to(collector, submit)
    assert status(transport) == 200
    transport.close()
    transport.pool.reached_at = NEVER
    transport.warm(5.0)
    assert status(transport) == 200
    assert resolution.threads == [threading.get_ident()] * 2
    assert (collector.connections, len(asked)) == (2, 3)


def test_without_workers_a_failure_is_told_the_same() -> None:
    """Also then a refused connection is an error in few words."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}{INGEST_PATH}"
        transport = HttpTransport(url, lambda *_: False)
        transport.warm(1.0)
        with pytest.raises(TransportError, match="Connection refused"):
            transport.send(BODY, HEADERS, 1.0)
