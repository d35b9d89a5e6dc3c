"""An attempt to connect that is held up and abandoned ends, counts as a request, and takes no room for good."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from formo_lambda import FormoAnalytics
from formo_lambda.testing import LocalCollector
from tests.promises.bounds import NAME, ROOM, Gate, Mode, within
from tests.promises.faults.certificates import Certificates
from tests.promises.faults.fault_server import FaultServer
from tests.promises.faults.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: More attempts than threads that may deliver for one endpoint at a time.
_ATTEMPTS = 14
#: Seconds that each of them gets.
_BUDGET = 0.1
#: The most threads that names which never resolve may hold.
_MOST_THREADS = 12


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One trusted authority for these tests."""
    return Certificates(tmp_path_factory.mktemp("certificates"), NAME)


class Held(NamedTuple):
    """A client whose connections are held up at a gate, until `lift` is called."""

    client: FormoAnalytics
    gate: Gate
    lift: Callable[[], None]


@pytest.fixture(params=["proxy", "TLS"])
def held(request: pytest.FixtureRequest, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """A proxy that drips its answer to CONNECT, or a server that says nothing in the TLS handshake."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority_file))
    modes: tuple[Mode, Mode] = ("drip", "connect") if request.param == "proxy" else ("silent", "pass")
    with FaultServer(tls=certificates.trusted) as server, Gate(server.port, modes[0]) as gate:
        port = gate.address[1]
        if request.param == "proxy":
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        api_host = f"https://{NAME}" if request.param == "proxy" else f"https://127.0.0.1:{port}"
        # An attempt that nobody waits for, such as one made ahead of the first flush, has a time of its own.
        client = FormoAnalytics("key", api_host=api_host, request_timeout=0.5, handle_signals=False)

        def lift() -> None:
            gate.mode = modes[1]

        yield Held(client, gate, lift)
        lift()
        client.close()


def _flush_in_vain(client: FormoAnalytics, times: int) -> list[int]:
    """Track and flush, each time in vain and on time; return how many requests each flush counted."""
    requests: list[int] = []
    for _ in range(times):
        client.track("Held Up")
        began = time.monotonic()
        result = within(5.0, lambda: client.flush(_BUDGET))
        assert time.monotonic() - began < _BUDGET + ROOM
        assert result.sent == 0
        assert result.retained > 0
        requests.append(result.requests)
    return requests


def test_abandoned_attempts_take_no_room(held: Held) -> None:
    """After more attempts than there are threads, all held up, one that is let through delivers everything at once."""
    _flush_in_vain(held.client, _ATTEMPTS)
    held.lift()
    began = time.monotonic()
    result = within(10.0, lambda: held.client.flush(5.0))
    assert (result.sent, result.retained, result.undelivered) == (_ATTEMPTS, 0, 0)
    assert time.monotonic() - began < 1.5


def test_an_abandoned_attempt_hangs_up(held: Held) -> None:
    """Soon after the deadline the other end sees that nobody is there any more, without any further flush."""
    _flush_in_vain(held.client, 3)
    assert held.gate.made > 0
    wait_until(lambda: held.gate.held == 0, 2.0)


def test_an_abandoned_attempt_counts_as_a_request(held: Held) -> None:
    """Each flush says in its result that something was tried, and so do the totals."""
    requests = _flush_in_vain(held.client, 3)
    assert min(requests) >= 1
    assert held.client.stats.requests >= sum(requests)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
def test_open_files_and_threads_do_not_grow_with_the_attempts(held: Held) -> None:
    """Thirty flushes in vain leave as many of both as three did."""
    _flush_in_vain(held.client, 3)
    wait_until(lambda: held.gate.held == 0, 2.0)
    files, threads = _open_files(), threading.active_count()
    _flush_in_vain(held.client, 30)
    # What is still there belongs to the attempts under way, which end; the other end of each is in this process, too.
    wait_until(lambda: _open_files() <= files + 2 and threading.active_count() <= threads + 2, 3.0)


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


# -- name resolution, which nothing ends -----------------------------------------------------------------------------


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Makes the name localhost take for ever to resolve, until the event is set."""
    real = socket.getaddrinfo
    well = threading.Event()

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if host in {"localhost", b"localhost"}:
            well.wait(30.0)
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield well
    well.set()


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    """Takes everything."""
    with LocalCollector() as started:
        yield started


@pytest.fixture
def lost(collector: LocalCollector, resolver: threading.Event) -> Iterator[FormoAnalytics]:
    """A client whose server's name does not resolve."""
    client = FormoAnalytics("key", api_host=collector.url.replace("127.0.0.1", "localhost"), handle_signals=False)
    yield client
    resolver.set()
    client.close()


def test_names_that_hang_hold_few_threads(lost: FormoAnalytics) -> None:
    """Thirty flushes in vain start no more threads than may deliver for one endpoint."""
    before = set(threading.enumerate())
    most = 0
    for _ in range(30):
        _flush_in_vain(lost, 1)
        most = max(most, len(set(threading.enumerate()) - before))
    assert most <= _MOST_THREADS


def test_clients_whose_names_hang_hold_few_threads(collector: LocalCollector, resolver: threading.Event) -> None:
    """So do thirty clients of one endpoint, each of which flushes once."""
    before = set(threading.enumerate())
    url = collector.url.replace("127.0.0.1", "localhost")
    with contextlib.ExitStack() as ends:
        for _ in range(30):
            client = ends.enter_context(FormoAnalytics("key", api_host=url, handle_signals=False))
            _flush_in_vain(client, 1)
        ends.callback(resolver.set)  # before any of them is closed
        assert len(set(threading.enumerate()) - before) <= _MOST_THREADS
    assert len(collector.unique_events) == 30


def test_another_endpoint_is_reached_while_names_hang(lost: FormoAnalytics, collector: LocalCollector) -> None:
    """After many attempts that hang, a client of a server that needs no name delivers at once."""
    _flush_in_vain(lost, _ATTEMPTS)
    other = FormoAnalytics("key", api_host=collector.url, handle_signals=False)
    other.track("Beside")
    began = time.monotonic()
    assert within(5.0, lambda: other.flush(2.0)).sent == 1
    assert time.monotonic() - began < 1.0
    other.close()


def test_a_name_that_resolves_again_delivers_all(
    lost: FormoAnalytics, collector: LocalCollector, resolver: threading.Event
) -> None:
    """When the resolver is well again, the next flush sends what all of them kept, each event once."""
    _flush_in_vain(lost, _ATTEMPTS)
    resolver.set()
    result = within(10.0, lambda: lost.flush(5.0))
    assert (result.sent, result.retained) == (_ATTEMPTS, 0)
    assert len(collector.events) == len(collector.unique_events) == _ATTEMPTS


def test_an_attempt_that_hangs_in_its_name_counts_as_a_request(lost: FormoAnalytics) -> None:
    """As any other attempt that was made in vain."""
    requests = _flush_in_vain(lost, 3)
    assert min(requests) >= 1
    assert lost.stats.requests >= sum(requests)
