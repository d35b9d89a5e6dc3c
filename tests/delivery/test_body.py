"""Batches: how events are cut into bodies, and what a body looks like."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.delivery import body
from formo_lambda.invocation import ENVELOPE
from formo_lambda.options import MAX_BATCH_EVENTS

NOW = 1_764_000_000.1239

#: Events as they travel, from tiny to some that no limit below leaves room for.
encoded = st.integers(0, 3_000).map(lambda size: b'{"p":"%b"' % (b"x" * size))
batches = st.lists(encoded, max_size=350)
limits = st.integers(1_000, 20_000)


@given(batches, limits)
def test_cut_keeps_every_event_once_and_in_order(events: list[bytes], limit: int) -> None:
    """Joined again, the batches are what was cut."""
    assert [event for batch in body.cut(events, limit) for event in batch] == events


@given(batches, limits)
def test_cut_batches_are_within_the_limits(events: list[bytes], limit: int) -> None:
    """A batch has at most a hundred events and at most the bytes allowed, unless one event alone has more."""
    for batch in body.cut(events, limit):
        assert 1 <= len(batch) <= MAX_BATCH_EVENTS
        assert len(body.join(batch, NOW)) <= limit or len(batch) == 1


@given(batches, limits)
def test_cut_makes_no_batch_too_many(events: list[bytes], limit: int) -> None:
    """The first event of a batch would not have fitted into the one before it."""
    cut = body.cut(events, limit)
    for before, after in pairwise(cut):
        joined = [*before, after[0]]
        assert len(joined) > MAX_BATCH_EVENTS or len(body.join(joined, NOW)) > limit


@given(st.lists(encoded, min_size=2, max_size=100))
def test_a_limit_that_just_fits_is_used(events: list[bytes]) -> None:
    """Events whose body has exactly the bytes allowed travel together; with one byte less they do not."""
    limit = len(body.join(events, NOW))
    assert body.cut(events, limit) == [events]
    assert body.cut(events, limit - 1) == [events[:-1], events[-1:]]


@pytest.mark.parametrize("size", [100, 101, 1_000])
def test_an_event_over_the_limit_travels_alone(size: int) -> None:
    """Its neighbours are in batches of their own."""
    small, large = b'{"s":1', b'{"p":"%b"' % (b"x" * size)
    limit = len(body.join([small, small], NOW))
    assert body.cut([small, small, large, small], limit) == [[small, small], [large], [small]]


@given(st.lists(encoded, min_size=1, max_size=150))
def test_an_event_takes_of_a_body_what_its_envelope_counts(events: list[bytes]) -> None:
    """The measure that limits are held against is the length of the body, to the byte; its frame is one byte more."""
    assert len(body.join(events, NOW)) == sum(len(event) + ENVELOPE for event in events) + 1


@given(st.lists(st.dictionaries(st.text(), st.integers(), max_size=3), min_size=1, max_size=20))
def test_join_stamps_every_event_with_the_time_of_the_attempt(objects: list[dict[str, int]]) -> None:
    """The body is a JSON array of the events, each with the same `sent_at` and nothing else added."""
    events = [json.dumps({"n": 1, **each}, separators=(",", ":")).encode()[:-1] for each in objects]
    rows = json.loads(body.join(events, NOW))
    assert {row.pop("sent_at") for row in rows} == {"2025-11-24T16:00:00.124Z"}
    assert rows == [{"n": 1, **{key: value for key, value in each.items() if key != "sent_at"}} for each in objects]


@given(st.floats(0, 4e9))
def test_the_stamp_is_utc_in_milliseconds(now: float) -> None:
    """Whatever the time, the stamp has the one form of the wire and is the nearest millisecond."""
    (row,) = json.loads(body.join([b'{"n":1'], now))
    stamp = datetime.strptime(row["sent_at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    assert len(row["sent_at"]) == len("2026-01-01T00:00:00.000Z")
    assert abs(now - stamp.timestamp()) < 0.00051


def test_as_dicts_gives_back_what_was_sent() -> None:
    """The user's sink gets the objects of the body."""
    events = [b'{"event":"A","v":null', b'{"event":"\\u00e9","v":1.5']
    assert body.as_dicts(events, 0.0) == json.loads(body.join(events, 0.0))
    assert body.as_dicts(events, 0.0)[1] == {"event": "é", "v": 1.5, "sent_at": "1970-01-01T00:00:00.000Z"}
