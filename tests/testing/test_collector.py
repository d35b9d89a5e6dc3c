"""The ingest server on the loopback interface."""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from formo_lambda.testing import Answer, LocalCollector
from tests.testing.wire import HEADERS, connect, post, wire_body, wire_event


def address_of(collector: LocalCollector) -> tuple[str, int]:
    """Give host and port, for a bare socket."""
    parts = urlsplit(collector.url)
    return str(parts.hostname), int(parts.port or 0)


def test_takes_events_and_answers_like_formo() -> None:
    """Well-formed events under the right key are kept and counted in the answer."""
    event = wire_event()
    with LocalCollector(write_key="a-key") as collector, closing(connect(collector.url)) as connection:
        assert post(connection, wire_body(event)) == (200, {"successful_rows": 1, "quarantined_rows": 0})

    assert collector.events == [event]
    assert collector.problems == []


def test_refuses_a_wrong_key() -> None:
    """A wrong key is answered with 401 and Formo's words, and the request is kept as a problem."""
    with LocalCollector(write_key="another") as collector, closing(connect(collector.url)) as connection:
        assert post(connection, wire_body(wire_event())) == (401, {"error": "Unauthorized"})

    assert collector.events == []
    assert len(collector.problems) == 1


def test_connection_is_kept_alive() -> None:
    """Several requests, refused ones and wrong paths included, are served over one connection."""
    with LocalCollector() as collector, closing(connect(collector.url)) as connection:
        statuses = [
            post(connection, wire_body(wire_event()))[0],
            post(connection, b"nonsense")[0],
            post(connection, wire_body(wire_event()), path="/v1/elsewhere")[0],
            post(connection, wire_body(wire_event()))[0],
        ]

    assert statuses == [200, 400, 404, 200]
    assert collector.connections == 1
    assert [request.connection for request in collector.requests] == [1, 1, 1]


def test_arrival_is_the_time_of_the_body_not_of_the_answer() -> None:
    """An event's arrival lies before the delay of its answer."""
    event = wire_event()
    with LocalCollector(delay=0.2) as collector, closing(connect(collector.url)) as connection:
        before = time.monotonic()
        post(connection, wire_body(event))
        after = time.monotonic()

    arrived = collector.arrived_at(event["message_id"])
    assert before <= arrived <= after - 0.2


def test_scripted_answer_reaches_the_client() -> None:
    """Status, headers and body of a scripted answer are what the client receives."""
    with LocalCollector() as collector, closing(connect(collector.url)) as connection:
        collector.respond_with(Answer(503, b"later", {"Retry-After": "3"}))
        connection.request("POST", "/v0/raw_events", wire_body(wire_event()), HEADERS)
        answer = connection.getresponse()

        assert (answer.status, answer.headers["Retry-After"], answer.read()) == (503, "3", b"later")


def test_hangs_up_instead_of_answering() -> None:
    """An error in the script ends the connection without an answer, and the next request is served as usual."""
    with LocalCollector() as collector:
        collector.respond_with(ConnectionResetError())
        with closing(connect(collector.url)) as connection, pytest.raises(http.client.RemoteDisconnected):
            post(connection, wire_body(wire_event()))
        with closing(connect(collector.url)) as connection:
            assert post(connection, wire_body(wire_event()))[0] == 200

    assert len(collector.events) == 1


def test_waits_for_events_of_another_thread() -> None:
    """`wait_for` returns as soon as enough different events were taken, resent ones counted once."""
    events = [wire_event(), wire_event()]
    with LocalCollector() as collector, closing(connect(collector.url)) as connection:

        def send() -> None:
            for body in (wire_body(events[0]), wire_body(events[0]), wire_body(events[1])):
                post(connection, body)

        sender = threading.Thread(target=send)
        sender.start()
        assert collector.wait_for(2) == events
        sender.join()


def test_wait_says_how_many_came() -> None:
    """Waiting in vain ends after the timeout and says how many events there were."""
    with LocalCollector() as collector, pytest.raises(TimeoutError, match="0 of 1 events"):
        collector.wait_for(1, timeout=0.01)


def test_truncated_body_is_no_arrival() -> None:
    """A client that hangs up in the middle of its body has delivered nothing."""
    with LocalCollector() as collector:
        with socket.create_connection(address_of(collector)) as client:
            client.sendall(b"POST /v0/raw_events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[{")
        with closing(connect(collector.url)) as connection:
            post(connection, wire_body(wire_event()))

    assert len(collector.requests) == 1


def test_length_is_required() -> None:
    """A body of unknown length is refused: this package never sends one."""
    with LocalCollector() as collector, closing(connect(collector.url)) as connection:
        connection.putrequest("POST", "/v0/raw_events")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()

        assert connection.getresponse().status == 411


def test_closes_at_once_with_idle_and_waiting_clients() -> None:
    """Closing does not wait for delays to pass or clients to leave, and hangs up on them."""
    collector = LocalCollector(delay=60)
    collector.start()
    idle = connect(collector.url)
    idle.connect()
    waiting = connect(collector.url)
    waiting.request("POST", "/v0/raw_events", wire_body(wire_event()), HEADERS)
    collector.wait_for(1)
    started = time.monotonic()

    collector.close()

    assert time.monotonic() - started < 1
    assert idle.sock.recv(1) == b""
    idle.close()
    waiting.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "local-collector"]


def test_https_is_trusted_through_the_ca_file() -> None:
    """A client that trusts `ca_file` is served over https; the file is gone after closing."""
    event = wire_event()
    with LocalCollector(tls=True) as collector:
        trust = ssl.create_default_context(cafile=collector.ca_file)
        with closing(connect(collector.url, trust=trust)) as connection:
            assert post(connection, wire_body(event))[0] == 200

    assert collector.url.startswith("https://")
    assert collector.events == [event]
    assert not Path(str(collector.ca_file)).exists()


def test_https_is_not_trusted_by_default() -> None:
    """A client that was not told to trust the certificate refuses it, and nobody else is disturbed."""
    with LocalCollector(tls=True) as collector:
        stranger = connect(collector.url, trust=ssl.create_default_context())
        with closing(stranger), pytest.raises(ssl.SSLCertVerificationError):
            stranger.connect()
        trust = ssl.create_default_context(cafile=collector.ca_file)
        with closing(connect(collector.url, trust=trust)) as connection:
            assert post(connection, wire_body(wire_event()))[0] == 200


def test_unfinished_handshake_keeps_nobody_waiting() -> None:
    """A client that connects and says nothing delays neither other clients nor closing."""
    with LocalCollector(tls=True) as collector, socket.create_connection(address_of(collector)):
        trust = ssl.create_default_context(cafile=collector.ca_file)
        with closing(connect(collector.url, trust=trust)) as connection:
            assert post(connection, wire_body(wire_event()))[0] == 200
        started = time.monotonic()
        collector.close()
        assert time.monotonic() - started < 1


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package that makes certificates the error says which extra to install."""
    monkeypatch.setitem(sys.modules, "trustme", None)

    with pytest.raises(ImportError, match=r"formo-lambda\[testing\]"):
        LocalCollector(tls=True)


def test_http_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain http works without the package that makes certificates, and has no authority to trust."""
    monkeypatch.setitem(sys.modules, "trustme", None)

    with LocalCollector() as collector:
        assert collector.ca_file is None


def test_ca_file_is_a_certificate() -> None:
    """The authority is a PEM file that stays the same while the collector lives."""
    with LocalCollector(tls=True) as collector:
        assert Path(str(collector.ca_file)).read_text().startswith("-----BEGIN CERTIFICATE-----")
