"""A buffer on its own: order, size, and when it is told of."""

from __future__ import annotations

import math
import threading
import time
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.delivery.buffer import ENVELOPE, Buffer

payloads = st.lists(st.integers(0, 50).map(lambda size: b"x" * size), max_size=120)


class Told:
    """Is told of a buffer, and has it wait for its fullness from then on.

    Attributes:
        at: How many events it had each time.
    """

    def __init__(self) -> None:
        self.at: list[int] = []

    def __call__(self, buffer: Buffer) -> None:
        """Note it."""
        self.at.append(len(buffer.events))
        buffer.due = math.inf


def told_at(events: list[bytes], flush_at: int, max_size: int, *, early: bool = True) -> list[int]:
    """Append events one by one; return after how many of them somebody was told."""
    told = Told()
    buffer = Buffer(flush_at, max_size, told, early=early)
    for event in events:
        buffer.append(event)
    return told.at


def drain(buffer: Buffer) -> list[bytes]:
    """Take all events out."""
    events: list[bytes] = []
    buffer.move_to(events)
    return events


@given(st.integers(2, 100), st.integers(1, 300))
def test_it_is_told_of_at_the_first_event_and_while_it_is_full(flush_at: int, count: int) -> None:
    """Not at every event: at the first, and at each from the one on that makes it full, until somebody empties it."""
    assert told_at([b""] * count, flush_at, 10**9) == [1, *range(flush_at, count + 1)]


def test_a_buffer_of_one_is_full_at_every_event() -> None:
    """With flush_at 1 it is told of each time."""
    assert told_at([b""] * 3, 1, 10**9) == [1, 2, 3]


def test_it_is_full_when_the_bytes_as_sent_are_reached() -> None:
    """Bytes count with the envelope that each event gets when it is sent."""
    size = 10 + ENVELOPE
    assert told_at([b"x" * 10] * 5, 100, 3 * size + 1) == [1, 4, 5]
    assert told_at([b"x" * 10] * 5, 100, 3 * size) == [1, 3, 4, 5]


def test_what_may_not_leave_early_is_full_by_its_size_alone() -> None:
    """However many events there are, they wait for the end of the invocation; only their bytes are bounded."""
    size = 10 + ENVELOPE
    assert told_at([b"x" * 10] * 5, 2, 10**9, early=False) == [1]
    assert told_at([b"x" * 10] * 5, 2, 4 * size, early=False) == [1, 4, 5]


@pytest.mark.parametrize(("seconds", "told"), [(-0.001, True), (60.0, False)])
def test_it_is_told_of_when_it_is_due(seconds: float, told: bool) -> None:  # noqa: FBT001
    """Whoever was told sets when the next event is to be told of, whatever the number."""
    calls: list[int] = []
    buffer = Buffer(100, 10**9, lambda b: calls.append(len(b.events)), early=True)
    buffer.append(b"first")
    buffer.due = time.monotonic() + seconds
    buffer.append(b"second")
    assert calls == ([1, 2] if told else [1])


def test_it_is_told_of_at_every_event_until_somebody_takes_notice() -> None:
    """Who was interrupted before that is told again at the next event."""
    calls: list[int] = []
    buffer = Buffer(100, 10**9, lambda b: calls.append(len(b.events)), early=True)
    for _ in range(3):
        buffer.append(b"event")
    assert calls == [1, 2, 3]


@given(payloads, st.integers(1, 10), st.integers(1, 2_000))
def test_full_is_told_by_count_or_size(events: list[bytes], flush_at: int, max_size: int) -> None:
    """A buffer is full exactly when it holds flush_at events or max_size bytes."""
    buffer = Buffer(flush_at, max_size, lambda _: None, early=True)
    for number, event in enumerate(events, 1):
        buffer.append(event)
        sent = sum(map(len, events[:number])) + number * ENVELOPE
        assert buffer.size == sent
        assert buffer.full == (number >= flush_at or sent >= max_size)


@pytest.mark.parametrize("kind", [list, deque])
@given(events=payloads, more=payloads)
def test_moving_gives_everything_in_order_and_starts_anew(
    kind: type[list[bytes] | deque[bytes]], events: list[bytes], more: list[bytes]
) -> None:
    """After it the buffer is as new: empty, size zero, and its next first event is told of."""
    told = Told()
    buffer = Buffer(10, 500, told, early=True)
    fresh = told_at(more, 10, 500)
    for event in events:
        buffer.append(event)
    target = kind([b"before"])
    buffer.move_to(target)
    assert list(target) == [b"before", *events]
    assert (len(buffer.events), buffer.size, buffer.due) == (0, 0, 0.0)
    told.at.clear()
    for event in more:
        buffer.append(event)
    assert told.at == fresh
    buffer.move_to(target)
    assert list(target) == [b"before", *events, *more]


@given(payloads, st.integers(-1, 6_000))
def test_shedding_removes_the_oldest_until_the_rest_fits(events: list[bytes], most: int) -> None:
    """What it returns and what is left is all there was, in order; one event more would not have fitted."""
    buffer = Buffer(10, 500, lambda _: None, early=False)
    for event in events:
        buffer.append(event)
    removed = buffer.shed(most)
    assert removed + list(buffer.events) == events
    assert buffer.size == sum(map(len, buffer.events)) + len(buffer.events) * ENVELOPE
    assert buffer.size <= max(most, 0)
    if removed:
        assert buffer.size + len(removed[-1]) + ENVELOPE > most


def test_threads_append_while_it_is_drained() -> None:
    """Four threads and a drain that never stops: each event comes out once, those of one thread in order."""
    buffer = Buffer(20, 1_000, lambda _: None, early=True)
    out: list[bytes] = []

    def append(name: str) -> None:
        for number in range(3_000):
            buffer.append(b"%s %d" % (name.encode(), number))

    threads = [threading.Thread(target=append, args=[name]) for name in "abcd"]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        buffer.move_to(out)
    buffer.move_to(out)
    for name in (b"a", b"b", b"c", b"d"):
        assert [event for event in out if event.startswith(name)] == [b"%s %d" % (name, n) for n in range(3_000)]


def test_an_event_after_a_drain_is_always_told_of() -> None:
    """Who drains whenever it is told, and only then, never leaves an event behind."""
    called = threading.Event()

    def notify(told: Buffer) -> None:
        told.due = math.inf
        called.set()

    buffer = Buffer(20, 10**9, notify, early=True)
    out: list[bytes] = []
    over = threading.Event()

    def drain_when_told() -> None:
        while not over.is_set() or called.is_set():
            if called.wait(0.01):
                called.clear()
                out.extend(drain(buffer))

    drainer = threading.Thread(target=drain_when_told)
    drainer.start()
    for number in range(20_000):
        buffer.append(b"%d" % number)
    over.set()
    drainer.join()
    assert out == [b"%d" % n for n in range(20_000)]
    assert not buffer.events
