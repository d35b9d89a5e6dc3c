"""The store of retained events, by its laws."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.delivery.store import Item, Store
from formo_lambda.invocation import ENVELOPE

payloads = st.integers(0, 400).map(lambda size: b"x" * size)
items = st.lists(payloads, max_size=40).map(lambda events: list(enumerate(events)))


def size_of(kept: list[Item]) -> int:
    """Return the bytes that events take as sent."""
    return sum(len(event) + ENVELOPE for _, event in kept)


@given(st.data(), items, st.integers(0, 6_000))
def test_the_newest_stay_in_order_within_the_bound(data: st.DataObject, events: list[Item], bound: int) -> None:
    """In whatever order batches fail, the store holds the newest events that fit and gives out the others, once."""
    store = Store(bound)
    rest = list(data.draw(st.permutations(events)))
    out: list[bytes] = []
    while rest:
        count = data.draw(st.integers(1, len(rest)))
        batch, rest = sorted(rest[:count]), rest[count:]
        out += store.add(batch)
    length = len(store)
    kept = store.take()
    assert length == len(kept)
    assert kept == sorted(kept)
    assert size_of(kept) <= bound
    assert sorted(out + [event for _, event in kept]) == sorted(event for _, event in events)


@given(items, st.integers(0, 6_000))
def test_as_many_stay_as_fit(events: list[Item], bound: int) -> None:
    """Added in order, what stays is a suffix of it, and one event more would break the bound."""
    store = Store(bound)
    out = store.add(events)
    kept = store.take()
    assert [event for _, event in events] == out + [event for _, event in kept]
    if out:
        assert size_of(kept) + len(out[-1]) + ENVELOPE > bound


def test_the_oldest_make_room() -> None:
    """Of events that come over time, the first ones go first, in their order."""
    store = Store(3 * (10 + ENVELOPE))
    events = [(n, bytes([65 + n]) * 10) for n in range(5)]
    assert [store.add([each]) for each in events] == [[], [], [], [b"A" * 10], [b"B" * 10]]
    assert store.take() == events[2:]


def test_an_older_batch_that_fails_late_goes_to_its_place() -> None:
    """Order is that of tracking, not of failing."""
    store = Store(10_000)
    store.add([(5, b"e"), (6, b"f")])
    store.add([(1, b"a"), (2, b"b")])
    assert store.take() == [(1, b"a"), (2, b"b"), (5, b"e"), (6, b"f")]


def test_taken_events_leave_room() -> None:
    """What was taken out no longer counts against the bound."""
    store = Store(2 * (10 + ENVELOPE))
    for n in range(10):
        assert store.add([(n, b"x" * 10)]) == []
        store.take()
    assert len(store) == 0
