"""Hosts with several addresses, of which some do not answer, or refuse."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda.constants import INGEST_PATH
from formo_lambda.delivery.workers import workers
from formo_lambda.testing import LocalCollector
from formo_lambda.transport.http import HttpTransport
from formo_lambda.transport.protocol import TransportError
from tests.promises.bounds import Gate
from tests.promises.faults.certificates import Certificates
from tests.testing.wire import HEADERS, wire_body, wire_event
from tests.transport.peer import Peer
from tests.transport.pools import own_pools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BODY = wire_body(wire_event())
#: A name that nobody but these tests resolves, and that the certificates are for.
NAME = "events.example.test"

_pools = pytest.fixture(autouse=True)(own_pools)


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    """A collector that is up, at 127.0.0.1."""
    with LocalCollector() as started:
        yield started


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The addresses of names, in order; what is not in it is resolved as ever."""
    known: dict[str, list[str]] = {}
    resolve = socket.getaddrinfo

    def look_up(host: str, *args: object, **more: object) -> list[object]:
        found = (resolve(each, *args, **more) for each in known.get(host, [host]))  # type: ignore[arg-type] # passed on
        return [entry for entries in found for entry in entries]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    """Certificates for the name above, which this process trusts."""
    made = Certificates(tmp_path, NAME)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority_file))
    return made


@contextlib.contextmanager
def black_hole(address: str, port: int) -> Iterator[None]:
    """Listen at an address, and let no further connection be made: those who try wait for an answer in vain."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        while True:
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.1)
            try:
                waiting.connect((address, port))
            except TimeoutError:
                break
        yield


def port_of(collector: LocalCollector) -> int:
    """Return where a collector listens."""
    return int(collector.url.rpartition(":")[2])


def transport_to(collector: LocalCollector) -> HttpTransport:
    """Return a transport to a collector, by the name localhost."""
    return HttpTransport(collector.url.replace("127.0.0.1", "localhost") + INGEST_PATH, workers.submit)


def took(transport: HttpTransport, timeout: float) -> float:
    """Send one body on a fresh connection; return the seconds that it took."""
    transport.close()
    began = time.monotonic()
    answer = transport.send(BODY, HEADERS, timeout)
    assert (answer.status, answer.requests) == (200, 1)
    return time.monotonic() - began


# -- which one is tried ------------------------------------------------------------------------------------------------


def test_an_address_that_does_not_answer_takes_a_third_of_the_time(
    collector: LocalCollector, names: dict[str, list[str]]
) -> None:
    """Then the next one is tried."""
    names["localhost"] = ["127.0.0.2", "127.0.0.1"]
    with black_hole("127.0.0.2", port_of(collector)):
        assert 0.9 <= took(transport_to(collector), 3.0) < 1.8


def test_of_several_that_do_not_answer_each_takes_a_third_of_what_is_left(
    collector: LocalCollector, names: dict[str, list[str]]
) -> None:
    """So a third of 1.8 seconds, a third of the other 1.2, and then the last one."""
    names["localhost"] = ["127.0.0.2", "127.0.0.3", "127.0.0.1"]
    port = port_of(collector)
    with black_hole("127.0.0.2", port), black_hole("127.0.0.3", port):
        assert 0.95 <= took(transport_to(collector), 1.8) < 1.6


def test_the_last_address_has_all_the_time(collector: LocalCollector, names: dict[str, list[str]]) -> None:
    """It ends by the moment, not before, and says what it always says."""
    names["localhost"] = ["127.0.0.2", "127.0.0.3"]
    port = port_of(collector)
    with black_hole("127.0.0.2", port), black_hole("127.0.0.3", port):
        began = time.monotonic()
        with pytest.raises(TransportError, match="timed out"):
            transport_to(collector).send(BODY, HEADERS, 0.5)
        assert 0.45 <= time.monotonic() - began < 0.75


@pytest.mark.parametrize("others", [["127.0.0.2"], ["::1"], ["::1", "127.0.0.2", "127.0.0.3"]])
def test_a_refused_address_costs_no_time(
    collector: LocalCollector, names: dict[str, list[str]], others: list[str]
) -> None:
    """Where nobody listens, or there is no route, the next one is tried at once."""
    names["localhost"] = [*others, "127.0.0.1"]
    assert took(transport_to(collector), 3.0) < 0.5


def test_a_host_with_an_address_of_each_family_is_reached_by_either(names: dict[str, list[str]]) -> None:
    """A server that listens at ::1 alone answers, though 127.0.0.1 comes first and does not."""
    if not socket.has_ipv6:
        pytest.skip("this Python knows no IPv6")
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        listener.listen()
        port = listener.getsockname()[1]
        names["localhost"] = ["127.0.0.1", "::1"]
        with black_hole("127.0.0.1", port):
            transport = HttpTransport(f"http://localhost:{port}{INGEST_PATH}", workers.submit)
            connection = transport.pool.open(time.monotonic() + 1.5, workers.submit)
            assert connection.sock.getpeername()[0] == "::1"
            assert connection.host == "localhost"
            connection.close()


# -- what is remembered ------------------------------------------------------------------------------------------------


def test_the_address_that_connected_last_is_tried_first(collector: LocalCollector, names: dict[str, list[str]]) -> None:
    """The time is spent once; a transport that is made later finds the address, too."""
    names["localhost"] = ["127.0.0.2", "127.0.0.1"]
    with black_hole("127.0.0.2", port_of(collector)):
        assert took(transport_to(collector), 1.5) >= 0.45
        for _ in range(3):
            assert took(transport_to(collector), 1.5) < 0.4


def test_an_address_that_the_host_has_no_more_is_not_tried(names: dict[str, list[str]]) -> None:
    """What resolving the name says counts."""
    with Peer(lambda _: None) as left, socket.create_server(("127.0.0.2", left.address[1])) as listener:
        transport = HttpTransport(f"http://localhost:{left.address[1]}{INGEST_PATH}", workers.submit)
        for address in ("127.0.0.1", "127.0.0.2"):
            names["localhost"] = [address]
            connection = transport.pool.open(time.monotonic() + 5.0, workers.submit)
            assert connection.sock.getpeername()[0] == address
            connection.close()
        listener.accept()[0].close()


def test_an_address_that_connects_in_vain_is_not_preferred_any_more(
    certificates: Certificates, names: dict[str, list[str]]
) -> None:
    """A server that was good once, and now hangs up in the handshake, does not stand in the way of another."""
    names[NAME] = ["127.0.0.2", "127.0.0.1"]

    def connect() -> str:
        connection = pool.open(time.monotonic() + 5.0, workers.submit)
        address: str = connection.sock.getpeername()[0]
        connection.close()
        return address

    with Peer(lambda _: None, tls=certificates.trusted) as peer:
        port = peer.address[1]
        pool = HttpTransport(f"https://{NAME}:{port}{INGEST_PATH}", workers.submit).pool
        assert connect() == "127.0.0.1"
    with Peer(lambda _: None, at=port), Peer(lambda _: None, at=port, host="127.0.0.2", tls=certificates.trusted):
        with pytest.raises(OSError):  # noqa: PT011 -- of which kind is the peer's affair
            connect()
        assert connect() == "127.0.0.2"


# -- what stays as it was ----------------------------------------------------------------------------------------------


def test_where_all_are_refused_it_says_so(collector: LocalCollector, names: dict[str, list[str]]) -> None:
    """In the words of the last one."""
    names["localhost"] = ["127.0.0.2", "127.0.0.3"]
    with pytest.raises(TransportError, match=r"^ConnectionRefusedError: Connection refused$"):
        transport_to(collector).send(BODY, HEADERS, 1.0)


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_NONAME, "unknown"), UnicodeError("label too long")])
def test_a_name_that_does_not_resolve_is_looked_up_once(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A resolver that takes its time does so once."""
    asked: list[str] = []

    def look_up(host: str, *_: object, **__: object) -> object:
        asked.append(host)
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    transport = HttpTransport(f"http://localhost:9{INGEST_PATH}", workers.submit)
    with pytest.raises(TransportError, match=r"^the host name does not resolve$") as caught:
        transport.send(BODY, HEADERS, 1.0)
    assert asked == ["localhost"]
    assert caught.value.retry


def serve_once(answer: bytes) -> Callable[[socket.socket], None]:
    """Return a server of one request."""

    def serve(connection: socket.socket) -> None:
        connection.recv(100_000)
        connection.sendall(answer)

    return serve


def test_tls_verifies_the_host_and_names_it(certificates: Certificates, names: dict[str, list[str]]) -> None:
    """Whatever the address, the server learns the host's name, and must be certified for it."""
    asked: list[str | None] = []

    def on_name(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
        asked.append(name)

    certificates.trusted.sni_callback = on_name
    names[NAME] = names["another.example.test"] = ["127.0.0.2", "127.0.0.1"]
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with Peer(serve_once(answer), tls=certificates.trusted) as peer, black_hole("127.0.0.2", peer.address[1]):
        port = peer.address[1]
        transport = HttpTransport(f"https://{NAME}:{port}{INGEST_PATH}", workers.submit)
        assert transport.send(BODY, HEADERS, 1.5).status == 200
        another = HttpTransport(f"https://another.example.test:{port}{INGEST_PATH}", workers.submit)
        with pytest.raises(TransportError, match="the server's certificate is not trusted"):
            another.send(BODY, HEADERS, 1.5)
    assert asked == [NAME, "another.example.test"]


def test_a_proxys_host_may_have_several_addresses_too(
    certificates: Certificates, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tunnel leads to the host by its name, and the address of the proxy is remembered."""
    names["proxy.example.test"] = ["127.0.0.2", "127.0.0.1"]
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with (
        Peer(serve_once(answer), tls=certificates.trusted) as peer,
        Gate(peer.address[1], "connect") as proxy,
        black_hole("127.0.0.2", proxy.address[1]),
    ):
        monkeypatch.setenv("https_proxy", f"http://proxy.example.test:{proxy.address[1]}")
        transport = HttpTransport(f"https://{NAME}{INGEST_PATH}", workers.submit)
        assert took(transport, 1.5) >= 0.45
        assert took(transport, 1.5) < 0.4
