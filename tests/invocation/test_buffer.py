"""A buffer on its own: order, size, and when the sender is called."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.invocation import ENVELOPE, Buffer

payloads = st.lists(st.integers(0, 50).map(lambda size: b"x" * size), max_size=120)


def called_at(events: list[bytes], flush_at: int, full_size: int) -> list[int]:
    """Append events one by one; return after how many of them the sender was called."""
    calls: list[int] = []
    buffer = Buffer(flush_at, full_size, lambda b: calls.append(len(b.events)), early=True)
    for event in events:
        buffer.append(event)
    return calls


@given(st.integers(2, 100), st.integers(1, 300))
def test_the_sender_is_called_at_the_first_event_and_at_each_fullness(flush_at: int, count: int) -> None:
    """Not at every event: at the first, and whenever as many more have come as make it full."""
    assert called_at([b""] * count, flush_at, 10**9) == [1, *range(flush_at, count + 1, flush_at)]


def test_a_buffer_of_one_is_full_at_every_event() -> None:
    """With flush_at 1 the sender is called each time."""
    assert called_at([b""] * 3, 1, 10**9) == [1, 2, 3]


def test_the_sender_is_called_when_the_bytes_as_sent_are_reached() -> None:
    """Bytes count with the envelope that each event gets when it is sent."""
    size = 10 + ENVELOPE
    assert called_at([b"x" * 10] * 5, 100, 3 * size + 1) == [1, 4]
    assert called_at([b"x" * 10] * 5, 100, 3 * size) == [1, 3]


@given(payloads, st.integers(1, 10), st.integers(1, 2_000))
def test_full_is_told_by_count_or_size(events: list[bytes], flush_at: int, full_size: int) -> None:
    """A buffer is full exactly when it holds flush_at events or full_size bytes."""
    buffer = Buffer(flush_at, full_size, lambda _: None, early=True)
    for number, event in enumerate(events, 1):
        buffer.append(event)
        sent = sum(map(len, events[:number])) + number * ENVELOPE
        assert buffer.size == sent
        assert buffer.full == (number >= flush_at or sent >= full_size)


@given(payloads, payloads)
def test_draining_gives_everything_in_order_and_starts_anew(events: list[bytes], more: list[bytes]) -> None:
    """After a drain the buffer is as new: empty, size zero, and its next first event is announced."""
    calls: list[int] = []
    buffer = Buffer(10, 500, lambda b: calls.append(len(b.events)), early=True)
    fresh = called_at(more, 10, 500)
    for event in events:
        buffer.append(event)
    assert buffer.drain() == events
    assert (len(buffer.events), buffer.size) == (0, 0)
    calls.clear()
    for event in more:
        buffer.append(event)
    assert calls == fresh
    assert buffer.drain() == more


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
        out += buffer.drain()
    out += buffer.drain()
    for name in (b"a", b"b", b"c", b"d"):
        assert [event for event in out if event.startswith(name)] == [b"%s %d" % (name, n) for n in range(3_000)]


def test_an_event_after_a_drain_is_always_announced() -> None:
    """A sender that drains whenever it is called, and only then, never leaves an event behind."""
    called = threading.Event()
    buffer = Buffer(20, 10**9, lambda _: called.set(), early=True)
    out: list[bytes] = []
    over = threading.Event()

    def drain() -> None:
        while not over.is_set() or called.is_set():
            if called.wait(0.01):
                called.clear()
                out.extend(buffer.drain())

    drainer = threading.Thread(target=drain)
    drainer.start()
    for number in range(20_000):
        buffer.append(b"%d" % number)
    over.set()
    drainer.join()
    # At most what does not make it full again may wait for its interval; it has been announced as the first.
    assert out + buffer.drain() == [b"%d" % n for n in range(20_000)]
    assert len(out) > 20_000 - 20
