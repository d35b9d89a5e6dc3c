"""Batches: how many events a request holds, how a batch is split, and what a body looks like."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.constants import MAX_BATCH_EVENTS
from formo_lambda.delivery import batch
from formo_lambda.delivery.batch import Batch, Place
from formo_lambda.delivery.buffer import ENVELOPE
from formo_lambda.delivery.deadline import Deadline
from formo_lambda.delivery.tally import Outcome, Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = 1_764_000_000.1239

#: Events as they travel, from tiny to some that no limit below leaves room for.
encoded = st.integers(0, 3_000).map(lambda size: b'{"p":"%b"' % (b"x" * size))
batches = st.lists(encoded, max_size=350)
limits = st.integers(1_000, 20_000)


def cut(events: Sequence[bytes], limit: int) -> list[list[bytes]]:
    """Cut events into what each of several requests takes, one after the other."""
    bodies: list[list[bytes]] = []
    while events:
        count, size = batch.fitting(events, MAX_BATCH_EVENTS, limit)
        assert size == len(batch.join(events[:count], NOW))
        bodies.append(list(events[:count]))
        events = events[count:]
    return bodies


@given(batches, limits)
def test_every_event_is_in_one_request_in_order(events: list[bytes], limit: int) -> None:
    """Joined again, what the requests took is what there was."""
    assert [event for each in cut(events, limit) for event in each] == events


@given(batches, limits)
def test_a_request_is_within_the_limits(events: list[bytes], limit: int) -> None:
    """It has at most a hundred events and at most the bytes allowed, unless one event alone has more."""
    for each in cut(events, limit):
        assert 1 <= len(each) <= MAX_BATCH_EVENTS
        assert len(batch.join(each, NOW)) <= limit or len(each) == 1


@given(batches, limits)
def test_no_request_is_one_too_many(events: list[bytes], limit: int) -> None:
    """The first event of a request would not have fitted into the one before it."""
    for before, after in pairwise(cut(events, limit)):
        joined = [*before, after[0]]
        assert len(joined) > MAX_BATCH_EVENTS or len(batch.join(joined, NOW)) > limit


@given(st.lists(encoded, min_size=2, max_size=100))
def test_a_limit_that_just_fits_is_used(events: list[bytes]) -> None:
    """Events whose body has exactly the bytes allowed travel together; with one byte less they do not."""
    limit = len(batch.join(events, NOW))
    assert cut(events, limit) == [events]
    assert cut(events, limit - 1) == [events[:-1], events[-1:]]


@pytest.mark.parametrize(
    ("count", "expected"), [(0, []), (99, [99]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])]
)
def test_a_request_takes_a_hundred_events(count: int, expected: list[int]) -> None:
    """However small they are."""
    assert [len(each) for each in cut([b'{"s":1'] * count, 500_000)] == expected


@pytest.mark.parametrize("size", [100, 101, 1_000])
def test_an_event_over_the_limit_travels_alone(size: int) -> None:
    """Its neighbours are in requests of their own."""
    small, large = b'{"s":1', b'{"p":"%b"' % (b"x" * size)
    limit = len(batch.join([small, small], NOW))
    assert cut([small, small, large, small], limit) == [[small, small], [large], [small]]


@given(st.lists(encoded, min_size=1, max_size=150))
def test_an_event_takes_of_a_body_what_its_envelope_counts(events: list[bytes]) -> None:
    """The measure that limits are held against is the length of the body, to the byte; its frame is one byte more."""
    assert len(batch.join(events, NOW)) == sum(len(event) + ENVELOPE for event in events) + 1


@given(st.lists(st.dictionaries(st.text(), st.integers(), max_size=3), min_size=1, max_size=20))
def test_join_stamps_every_event_with_the_time_of_the_attempt(objects: list[dict[str, int]]) -> None:
    """The body is a JSON array of the events, each with the same `sent_at` and nothing else added."""
    events = [json.dumps({"n": 1, **each}, separators=(",", ":")).encode()[:-1] for each in objects]
    rows = json.loads(batch.join(events, NOW))
    assert {row.pop("sent_at") for row in rows} == {"2025-11-24T16:00:00.124Z"}
    assert rows == [{"n": 1, **{key: value for key, value in each.items() if key != "sent_at"}} for each in objects]


@given(st.floats(0, 4e9))
def test_the_stamp_is_utc_in_milliseconds(now: float) -> None:
    """Whatever the time, the stamp has the one form of the wire and is the nearest millisecond."""
    (row,) = json.loads(batch.join([b'{"n":1'], now))
    stamp = datetime.strptime(row["sent_at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    assert len(row["sent_at"]) == len("2026-01-01T00:00:00.000Z")
    assert abs(now - stamp.timestamp()) < 0.00051


def test_as_dicts_gives_back_what_was_sent() -> None:
    """The user's sink gets the objects of the batch."""
    events = [b'{"event":"A","v":null', b'{"event":"\\u00e9","v":1.5']
    assert batch.as_dicts(events, 0.0) == json.loads(batch.join(events, 0.0))
    assert batch.as_dicts(events, 0.0)[1] == {"event": "é", "v": 1.5, "sent_at": "1970-01-01T00:00:00.000Z"}


@given(batches, batches, st.integers(0, MAX_BATCH_EVENTS), limits)
def test_what_is_added_to_a_request_counts_with_what_it_has(
    events: list[bytes], more: list[bytes], room: int, limit: int
) -> None:
    """A request that several batches fill holds as much as if they were one."""
    count, size = batch.fitting(events, room, limit)
    if count == len(events):
        further, size = batch.fitting(more, room - count, limit, size)
        count += further
    assert (count, size) == batch.fitting(events + more, room, limit)


@given(st.lists(encoded, max_size=10), st.integers(0, 10))
def test_a_split_keeps_every_event_in_one_part(events: list[bytes], count: int) -> None:
    """The first events become a batch of their own, before the rest in the order of all batches."""
    count = min(count, len(events))
    whole = Batch((3, 5), [Tally()], Deadline.after(10.0))
    whole.events += events
    whole.measure()
    front, rest = whole.split(count)
    assert (front.events, rest.events) == (events[:count], events[count:])
    for part in (front, rest):
        assert part.size == sum(len(event) + ENVELOPE for event in part.events)
    assert (front.order, rest.order) == ((3, 5), (3, 5 + count))


@pytest.mark.parametrize("flag", ["late", "asked_again"])
@pytest.mark.parametrize("value", [True, False])
def test_a_split_leaves_both_parts_what_the_whole_was(flag: str, value: bool) -> None:  # noqa: FBT001
    """Deadline, lateness and whoever answers for the events are those of the whole; from then on each has its own."""
    first, second = Tally(), Tally()
    whole = Batch((0, 0), [first], Deadline.after(10.0))
    whole.events += [b"a", b"b"]
    setattr(whole, flag, value)
    front, rest = whole.split(1)
    assert getattr(front, flag) is getattr(rest, flag) is value
    assert front.deadline is rest.deadline is whole.deadline
    rest.tallies.append(second)
    assert (front.tallies, rest.tallies) == ([first], [first, second])


def test_an_event_counts_where_it_is() -> None:
    """A batch moves its events from count to count of all who answer for it; none counts twice."""
    first, second = Tally(), Tally()
    whole = Batch((0, 0), [first], None)
    whole.events += [b"a", b"b", b"c"]
    whole.become(Place.WAITING)
    whole.answer_to(second)
    whole.answer_to(second)
    assert [(each.waiting, each.in_flight, each.retained) for each in (first, second)] == [(3, 0, 0)] * 2
    front, rest = whole.split(1)
    front.become(Place.IN_FLIGHT)
    assert [(each.waiting, each.in_flight, each.retained) for each in (first, second)] == [(2, 1, 0)] * 2
    rest.why = Outcome("busy", 503, transient=True)
    rest.become(Place.RETAINED)
    front.become(Place.SETTLED)
    assert [(each.waiting, each.in_flight, each.retained) for each in (first, second)] == [(0, 0, 2)] * 2


def test_a_flush_that_has_ended_is_told_no_more() -> None:
    """What its result said stays so, whatever becomes of the events."""
    ended, going_on = Tally(), Tally(open=True)
    whole = Batch((0, 0), [ended, going_on], None)
    whole.events.append(b"a")
    whole.become(Place.IN_FLIGHT)
    ended.finished = True
    assert whole.is_asked_for()
    whole.become(Place.SETTLED)
    assert (ended.in_flight, going_on.in_flight, whole.tallies) == (1, 0, [going_on])
    assert whole.is_of_open_invocation()
    going_on.finished = True
    assert not whole.is_asked_for()


def test_what_is_retained_has_its_reason_for_as_long() -> None:
    """Events that go out again are no error of the flush that sends them."""
    tally = Tally()
    part = Batch((0, 0), [tally], None)
    part.events += [b"a", b"b"]
    part.why = Outcome("busy", 503, transient=True)
    part.become(Place.RETAINED)
    assert [(error.count, error.status) for error in tally.result(0.0).errors] == [(2, 503)]
    part.become(Place.WAITING)
    assert tally.result(0.0).errors == ()


def test_a_result_says_what_a_tally_counted() -> None:
    """Events that are neither sent nor undelivered are retained, wherever they are."""
    tally = Tally()
    tally.sent, tally.quarantined, tally.undelivered, tally.requests = 50, 10, 20, 40
    tally.waiting, tally.in_flight, tally.retained, tally.discarded, tally.invalid = 1, 2, 4, 60, 70
    result = tally.result(0.5)
    assert (result.sent, result.quarantined, result.undelivered, result.requests, result.retained) == (
        50,
        10,
        20,
        40,
        7,
    )
    assert (result.discarded, result.invalid, result.elapsed, result.errors) == (60, 70, 0.5, ())


def test_a_result_has_one_error_for_each_cause() -> None:
    """Events with the same reason count as one cause; what was taken back is none."""
    tally = Tally()
    refused, silent = Outcome("refused", 401), Outcome("no answer", transient=True)
    for why, count in [
        (refused, 2),
        (silent, 5),
        (refused, 1),
        (silent, -5),
        (Outcome("busy", 503, transient=True), 4),
    ]:
        tally.note(why, count)
    found = [(error.count, error.status, error.transient) for error in tally.result(0.0).errors]
    assert found == [(3, 401, False), (4, 503, True)]
    assert ["refused" in str(error) for error in tally.result(0.0).errors] == [True, False]
