"""The fault server itself: each fault is what it says, seen with the standard library's client only."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from . import behaviours
from .certificates import Certificates
from .fault_server import FaultServer
from .waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Connect = Callable[..., http.client.HTTPConnection]


def _body(*ids: str, **properties: object) -> bytes:
    return json.dumps([{"message_id": each, "properties": properties} for each in ids or ("a",)]).encode()


def _later(seconds: float, action: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


@pytest.fixture
def connect(server: FaultServer) -> Iterator[Connect]:
    """Makes connections to the server, all closed in the end."""
    made: list[http.client.HTTPConnection] = []

    def connect(timeout: float = 0.3) -> http.client.HTTPConnection:
        made.append(http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout))
        return made[-1]

    yield connect
    for connection in made:
        connection.close()


def _post(
    connection: http.client.HTTPConnection, body: bytes | None = None
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection.request("POST", "/v0/raw_events", _body() if body is None else body, {"Authorization": "Bearer k"})
    response = connection.getresponse()
    return response.status, response.read(), response.headers


def test_a_healthy_server_accepts_and_counts(server: FaultServer, connect: Connect) -> None:
    """Two requests on one connection are counted as such, with their events and batches."""
    connection = connect()
    assert json.loads(_post(connection, _body("a", "b"))[1]) == {"successful_rows": 2, "quarantined_rows": 0}
    _post(connection, _body("b", "a"))
    connection.close()
    assert server.ledger.connections == 1
    assert [request.ids for request in server.ledger.requests] == [("a", "b"), ("b", "a")]
    assert server.ledger.attempts == {frozenset("ab"): 2}
    assert server.ledger.accepted() == set(server.ledger.deduplicated()) == {"a", "b"}
    assert len(server.ledger.accepted_times("a")) == 2
    assert server.ledger.requests[0].headers["authorization"] == "Bearer k"


def test_a_malformed_body_is_noted_and_gets_no_answer(server: FaultServer, connect: Connect) -> None:
    """NaN in a body is reported as a broken rule."""
    with pytest.raises(http.client.RemoteDisconnected):
        _post(connect(), b'[{"message_id": "a", "properties": {"x": NaN}}]')
    assert server.ledger.broken_rules == ["NaN is not JSON"]


def test_refusing_keeps_the_port_and_ends_with_the_fault(server: FaultServer, connect: Connect) -> None:
    """A refusing server drops its connections, refuses new ones, and listens again on the same port."""
    connection = connect()
    _post(connection)
    server.refuse()
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        _post(connection)
    with pytest.raises(ConnectionRefusedError):
        _post(connect())
    server.lift()
    assert _post(connect())[0] == 200


def test_dropped_handshakes_hang_and_then_refuse(server: FaultServer, connect: Connect) -> None:
    """A connection attempt gets no answer at first, and a refusal once the port is closed."""
    server.drop_handshakes(close_after=0.4)
    with pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", server.port), 0.3)
    started = time.monotonic()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), 5.0)
    assert time.monotonic() - started < 4.0
    server.lift()
    assert _post(connect())[0] == 200


def test_silence_reads_and_never_answers(server: FaultServer, connect: Connect) -> None:
    """The client's timeout is what ends the request, and nothing was accepted."""
    server.switch(behaviours.never_answers)
    with pytest.raises(TimeoutError):
        _post(connect())
    assert len(server.ledger.requests) == 1
    assert server.ledger.deduplicated() == {}


def test_lifting_a_fault_cuts_the_exchanges_under_way(server: FaultServer, connect: Connect) -> None:
    """A client that waits for a silent server is cut off when the fault ends, unless told otherwise."""
    server.switch(behaviours.never_answers)
    _later(0.1, server.lift)
    with pytest.raises(http.client.RemoteDisconnected):
        _post(connect(5.0))
    server.switch(behaviours.never_answers)
    _later(0.1, lambda: server.lift(abandon=False))
    with pytest.raises(TimeoutError):
        _post(connect(0.5))


def test_dripped_headers_defeat_a_socket_timeout(server: FaultServer, connect: Connect) -> None:
    """Bytes keep arriving within the socket timeout, and the status line is not through after a second."""
    server.switch(behaviours.drips_headers)
    _later(1.0, server.lift)
    started = time.monotonic()
    with pytest.raises(http.client.HTTPException):
        _post(connect(0.3))
    assert time.monotonic() - started > 0.9
    assert server.ledger.accepted() == set()


def test_a_dripped_body_comes_after_a_whole_status_line(server: FaultServer, connect: Connect) -> None:
    """The status is there at once, accepted, and the body is still on its way."""
    server.switch(behaviours.drips_body)
    connection = connect()
    connection.request("POST", "/v0/raw_events", _body())
    response = connection.getresponse()
    assert response.status == 200
    assert server.ledger.accepted() == {"a"}
    assert len(response.read1(1)) == 1
    connection.close()


def test_a_slow_server_accepts_late(server: FaultServer, connect: Connect) -> None:
    """Nothing is accepted while the server thinks."""
    server.switch(behaviours.slow(0.6))
    with pytest.raises(TimeoutError):
        _post(connect())
    assert server.ledger.accepted() == set()
    assert _post(connect(5.0))[0] == 200


@pytest.mark.parametrize(
    ("behaviour", "read", "kept"),
    [(behaviours.resets_before_reading, 0, set()), (behaviours.resets_after_reading, 1, {"a"})],
)
def test_resets_are_resets(
    server: FaultServer, connect: Connect, behaviour: behaviours.Behaviour, read: int, kept: set[str]
) -> None:
    """The peer sees ECONNRESET; what was read may be kept and is never accepted."""
    server.switch(behaviour)
    with pytest.raises(ConnectionResetError):
        _post(connect())
    assert len(server.ledger.requests) == read
    assert set(server.ledger.deduplicated()) == kept
    assert server.ledger.accepted() == set()


def test_half_an_answer_is_accepted_and_incomplete(server: FaultServer, connect: Connect) -> None:
    """The status line is whole and the body is not."""
    server.switch(behaviours.half_an_answer)
    with pytest.raises(http.client.IncompleteRead):
        _post(connect())
    assert server.ledger.accepted() == {"a"}


@pytest.mark.parametrize(("behaviour", "kept"), [(behaviours.half_a_status_line, {"a"}), (behaviours.garbage, set())])
def test_what_is_not_http_accepts_nothing(
    server: FaultServer, connect: Connect, behaviour: behaviours.Behaviour, kept: set[str]
) -> None:
    """Half a status line and garbage are protocol errors to a client."""
    server.switch(behaviour)
    with pytest.raises((http.client.BadStatusLine, ValueError)):
        _post(connect())
    assert server.ledger.accepted() == set()
    assert set(server.ledger.deduplicated()) == kept


def test_refusals_carry_their_headers(server: FaultServer, connect: Connect) -> None:
    """Retry-After comes in seconds or as a date a minute ahead; a redirect names the other place."""
    connection = connect()
    server.switch(behaviours.retry_after_seconds(60))
    answer = _post(connection)
    assert (answer[0], answer[2]["Retry-After"]) == (429, "60")
    server.switch(behaviours.retry_after_date(60, 503))
    answer = _post(connection)
    assert answer[0] == 503
    assert answer[2]["Retry-After"].endswith(" GMT")
    server.switch(behaviours.redirect("http://127.0.0.1:1/"))
    answer = _post(connection)
    assert (answer[0], answer[2]["Location"]) == (301, "http://127.0.0.1:1/")
    server.switch(behaviours.status(401))
    assert _post(connection)[0] == 401
    assert server.ledger.accepted() == set()


def test_behaviours_that_look_at_the_batch(server: FaultServer, connect: Connect) -> None:
    """Size, poison and quarantine marks decide the answer, and the first K requests differ from the rest."""
    connection = connect()
    server.switch(behaviours.too_large_above(len(_body("a"))))
    assert [_post(connection, _body(*ids))[0] for ids in ("a", "ab")] == [200, 413]
    server.switch(behaviours.refuses_poison)
    assert [_post(connection, body)[0] for body in (_body("c", poison=1), _body("d"))] == [400, 200]
    server.switch(behaviours.quarantines_marked)
    assert json.loads(_post(connection, _body("e", quarantine=1))[1]) == {"successful_rows": 0, "quarantined_rows": 1}
    server.switch(behaviours.first_requests(2, behaviours.status(503)))
    assert [_post(connection)[0] for _ in range(3)] == [503, 503, 200]
    server.switch(behaviours.html_page)
    assert _post(connection)[1].startswith(b"<!doctype html>")


@pytest.mark.parametrize("how", ["fin", "rst", "blackhole"])
def test_idle_connections_can_be_ended(server: FaultServer, connect: Connect, how: str) -> None:
    """A kept-alive connection is closed, reset or swallowed while idle; a fresh one is served."""
    connection = connect()
    _post(connection)
    wait_until(lambda: server.cut_idle(how) == 1)  # type: ignore[arg-type]  # the three literals above
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError, TimeoutError)) as caught:
        _post(connection)
    assert isinstance(caught.value, TimeoutError) is (how == "blackhole")
    assert _post(connect())[0] == 200
    assert len(server.ledger.requests) == 2


def test_a_reused_connection_can_fail_under_the_request(server: FaultServer, connect: Connect) -> None:
    """The first request of a connection is served, the second one is reset."""
    server.switch(behaviours.cuts_reused(behaviours.resets_before_reading))
    connection = connect()
    assert _post(connection)[0] == 200
    with pytest.raises(ConnectionResetError):
        _post(connection)


def test_certificates_are_trusted_or_not(tmp_path: Path) -> None:
    """One authority file makes one server trusted and leaves the other untrusted, on the same port."""
    certificates = Certificates(tmp_path)
    context = ssl.create_default_context(cafile=str(certificates.authority_file))
    with FaultServer(tls=certificates.trusted) as server:
        secure = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=5.0, context=context)
        assert _post(secure)[0] == 200
        secure.close()
        server.tls = certificates.untrusted
        with pytest.raises(ssl.SSLCertVerificationError):
            _post(secure)
        assert len(server.ledger.requests) == 1


def test_closing_is_bounded_whatever_is_under_way(server: FaultServer, connect: Connect) -> None:
    """A server with a silent, a dripping and an idle connection is closed in a moment and leaves no thread."""
    _post(connect())
    for number, behaviour in enumerate((behaviours.drips_body, behaviours.never_answers), start=2):
        server.switch(behaviour, abandon=False)
        connect().request("POST", "/v0/raw_events", _body())
        wait_until(lambda: len(server.ledger.requests) == number)  # noqa: B023  # called within this round only
    assert server.open_connections == 3
    started = time.monotonic()
    server.close()
    assert time.monotonic() - started < 2.0
    assert server.open_connections == 0
    assert not [each for each in threading.enumerate() if each.name == f"fault-server-{server.port}"]
