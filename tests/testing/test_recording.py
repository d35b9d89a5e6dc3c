"""The transport that keeps everything in memory."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda.testing import Answer, ReceivedRequest, RecordingTransport
from tests.testing.wire import HEADERS, wire_body, wire_event

if TYPE_CHECKING:
    from formo_lambda.transport.protocol import Transport


def test_is_a_transport() -> None:
    """The recording transport fits the protocol that clients take (mypy reads this line)."""
    transport: Transport = RecordingTransport()

    assert transport.send(wire_body(wire_event()), HEADERS, 1.0).status == 200


def test_keeps_what_was_sent() -> None:
    """Each request is kept byte by byte with its headers and timeout, and its events are flattened into one list."""
    transport = RecordingTransport()
    one, two, three = (wire_event(event=name) for name in ("one", "two", "three"))

    transport.send(wire_body(one, two), HEADERS, 1.5)
    transport.send(wire_body(three), HEADERS, 2.5)

    assert transport.events == [one, two, three]
    assert [request.body for request in transport.requests] == [wire_body(one, two), wire_body(three)]
    assert [request.timeout for request in transport.requests] == [1.5, 2.5]
    assert transport.requests[0].headers["authorization"] == "Bearer a-key"
    assert transport.problems == []


def test_answers_like_formo() -> None:
    """Without a script the answer counts the rows, and a wrong key is unauthorized."""
    transport = RecordingTransport(write_key="a-key")

    good = transport.send(wire_body(wire_event()), HEADERS, 1.0)
    refused = transport.send(wire_body(wire_event()), {**HEADERS, "Authorization": "Bearer b-key"}, 1.0)

    assert json.loads(good.body) == {"successful_rows": 1, "quarantined_rows": 0}
    assert (refused.status, json.loads(refused.body)) == (401, {"error": "Unauthorized"})
    assert len(transport.events) == 1
    assert len(transport.problems) == 1


def test_scripted_answers_come_in_order_and_end() -> None:
    """Each scripted answer is given once, and afterwards Formo's own again."""
    transport = RecordingTransport()
    transport.respond_with(503, Answer(429, b"slow down", {"Retry-After": "7"}))
    body = wire_body(wire_event())

    answers = [transport.send(body, HEADERS, 1.0) for _ in range(3)]

    assert [answer.status for answer in answers] == [503, 429, 200]
    assert (answers[1].body, answers[1].headers["retry-after"]) == (b"slow down", "7")
    assert [request.status for request in transport.requests] == [503, 429, 200]
    assert len(transport.events) == 1


def test_last_answer_may_stay() -> None:
    """With `forever` the last scripted answer is repeated until the script is replaced."""
    transport = RecordingTransport()
    transport.respond_with(500, 503, forever=True)
    body = wire_body(wire_event())

    assert [transport.send(body, HEADERS, 1.0).status for _ in range(4)] == [500, 503, 503, 503]
    transport.respond_with()
    assert transport.send(body, HEADERS, 1.0).status == 200


def test_scripted_exception_is_raised_and_nothing_taken() -> None:
    """An exception in the script is raised to the client, whose events count as sent but not as taken."""
    transport = RecordingTransport()
    transport.respond_with(ConnectionRefusedError("nobody there"))

    with pytest.raises(ConnectionRefusedError, match="nobody there"):
        transport.send(wire_body(wire_event()), HEADERS, 1.0)

    assert len(transport.requests[0].events) == 1
    assert transport.events == []


def test_lost_acknowledgement_takes_the_events() -> None:
    """An answer of 200 with an error takes the events, and the resent ones are recognised as the same."""
    transport = RecordingTransport()
    transport.respond_with(Answer(200, error=ConnectionResetError()))
    event = wire_event()

    with pytest.raises(ConnectionResetError):
        transport.send(wire_body(event), HEADERS, 1.0)
    transport.send(wire_body(event), HEADERS, 1.0)

    assert transport.events == [event, event]
    assert transport.unique_events == [event]
    assert transport.arrived_at(event["message_id"]) == transport.requests[0].arrived


def test_answer_may_depend_on_the_request() -> None:
    """A function in the script decides by the request, and None from it means Formo's own answer."""

    def refuse_pairs(request: ReceivedRequest) -> int | None:
        return 413 if len(request.events) > 1 else None

    transport = RecordingTransport()
    transport.respond_with(refuse_pairs, forever=True)

    assert transport.send(wire_body(wire_event(), wire_event()), HEADERS, 1.0).status == 413
    assert transport.send(wire_body(wire_event()), HEADERS, 1.0).status == 200


def test_late_answer_is_a_timeout() -> None:
    """A delay beyond the client's timeout ends as a timeout, after that timeout."""
    transport = RecordingTransport(delay=60.0)
    started = time.monotonic()

    with pytest.raises(TimeoutError):
        transport.send(wire_body(wire_event()), HEADERS, 0.02)

    assert 0.02 <= time.monotonic() - started < 30


def test_short_delay_is_waited_for() -> None:
    """A delay within the client's timeout holds the answer back that long."""
    transport = RecordingTransport(delay=0.05)
    started = time.monotonic()

    assert transport.send(wire_body(wire_event()), HEADERS, 30.0).status == 200
    assert time.monotonic() - started >= 0.05


def test_unknown_event_has_no_arrival() -> None:
    """Asking for the arrival of an event that was not taken is a LookupError that names it."""
    with pytest.raises(LookupError, match="nowhere"):
        RecordingTransport().arrived_at("nowhere")


def test_clear_forgets_requests_only() -> None:
    """After `clear` there are no requests any more, and the script is still in force."""
    transport = RecordingTransport()
    transport.respond_with(503, forever=True)
    transport.send(wire_body(wire_event()), HEADERS, 1.0)

    transport.clear()

    assert transport.requests == []
    assert transport.send(wire_body(wire_event()), HEADERS, 1.0).status == 503
