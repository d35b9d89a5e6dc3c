"""The check of a request against Formo's documented contract."""

from __future__ import annotations

from typing import Any

import pytest

from formo_lambda.testing.contract import event_problems, judge
from tests.testing.wire import wire_body, wire_event

HEADERS = {"authorization": "Bearer a-key", "content-type": "application/json"}


@pytest.mark.parametrize(
    "event",
    [
        wire_event(),
        wire_event(type="identify", event=...),
        wire_event(type="connect", event=None),
        wire_event(address=None),
        wire_event(address="FGx8ozyKnsmoHGPNYT6xb2oAN1EWVxv74GVSX9qnvTVv"),
        wire_event(user_id="u-1", session_id="s-1"),
    ],
)
def test_well_formed_event_has_no_problem(event: dict[str, Any]) -> None:
    """An event as the documentation shows it passes, for every optional field and both kinds of address."""
    assert event_problems(event) == []


@pytest.mark.parametrize("key", [key for key in wire_event() if key != "event"])
def test_every_field_is_required(key: str) -> None:
    """Each of the fields that this package promises to send is missed when it is not there."""
    assert f"{key} is missing" in event_problems(wire_event(**{key: ...}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("type", "Track"),
        ("type", ["track"]),
        ("channel", "lambda"),
        ("version", 0),
        ("version", ""),
        ("anonymous_id", None),
        ("anonymous_id", ""),
        ("user_id", ""),
        ("user_id", 7),
        ("event", ""),
        ("event", None),
        ("event", 1),
        ("properties", None),
        ("properties", []),
        ("context", {}),
        ("context", {"library_name": "x", "library_version": 1}),
        ("address", ""),
        ("address", "0x12"),
        ("address", "vitalik.eth"),
        ("original_timestamp", "2026-11-23T10:00:00Z"),
        ("original_timestamp", "2026-11-23T10:00:00.000+00:00"),
        ("original_timestamp", "2026-02-30T10:00:00.000Z"),
        ("sent_at", 1795000000),
        ("message_id", ""),
        ("session_id", None),
        ("sentAt", "2026-11-23T10:00:00.000Z"),
    ],
)
def test_wrong_field_is_named(key: str, value: object) -> None:
    """A field with a wrong value, or one that is no field at all, gives exactly one problem, which names it."""
    problems = event_problems(wire_event(**{key: value}))

    assert len(problems) == 1
    assert problems[0].startswith(f"{key} ")


def test_track_needs_an_event_name() -> None:
    """Only a track event must have the field `event`."""
    assert event_problems(wire_event(event=...)) == ["event is missing"]


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Basic a-key", "a-key", "Bearer other-key", "Bearer a-key "]
)
def test_key_is_checked(authorization: str) -> None:
    """A request without the expected bearer key is answered as Formo answers it, and nothing of it is taken."""
    verdict = judge(wire_body(wire_event()), {**HEADERS, "authorization": authorization}, "a-key")

    assert (verdict.status, verdict.answer, verdict.accepted) == (401, {"error": "Unauthorized"}, [])


def test_any_key_will_do_when_none_is_expected() -> None:
    """Without an expected key every key is accepted, and it must still be there."""
    body = wire_body(wire_event())

    assert judge(body, HEADERS, None).status == 200
    assert judge(body, {**HEADERS, "authorization": "Bearer  "}, None).status == 401


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[NaN]", b"[Infinity]", b"\xff\xfe[", b"[" * 100_000, wire_body(wire_event())[1:-1]]
)
def test_body_must_be_a_json_array(body: bytes) -> None:
    """Whatever is not a JSON array, Python's dialect of JSON included, is a bad request."""
    assert judge(body, HEADERS, None).status == 400


def test_content_type_must_be_json() -> None:
    """A body that is not announced as JSON is refused; parameters of the type do not matter."""
    body = wire_body(wire_event())

    assert judge(body, {**HEADERS, "content-type": "text/plain"}, None).status == 400
    assert judge(body, {**HEADERS, "content-type": "application/json; charset=utf-8"}, None).status == 200


def test_malformed_event_is_quarantined() -> None:
    """A malformed event is counted as quarantined and named, and the others of its request are taken."""
    good, bad = wire_event(), wire_event(type=None)

    verdict = judge(wire_body(good, bad, "text"), HEADERS, None)

    assert (verdict.status, verdict.answer) == (200, {"successful_rows": 1, "quarantined_rows": 2})
    assert (verdict.events, verdict.accepted) == ([good, bad], [good])
    assert [problem[:8] for problem in verdict.problems] == ["event 1:", "event 2:"]


def test_request_without_a_good_event_is_refused() -> None:
    """A request in which every event is malformed is a bad request."""
    assert judge(wire_body(wire_event(type=None)), HEADERS, None).status == 400


def test_empty_array_is_accepted() -> None:
    """An empty array is well-formed and holds nothing."""
    assert judge(b"[]", HEADERS, None).answer == {"successful_rows": 0, "quarantined_rows": 0}
