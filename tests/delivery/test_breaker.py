"""The circuit breaker: its states, what leads from one to the next, and how long a server is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.constants import BREAKER_PAUSE, BREAKER_PAUSE_MAX, RETRY_AFTER_MAX
from formo_lambda.delivery.breaker import Breaker, State
from formo_lambda.delivery.deadline import Deadline
from formo_lambda.delivery.tally import Tally
from tests.delivery.queues import begin, events_of, make_queue, retained, take

CLOSED, OPEN, HALF_OPEN = State.CLOSED, State.OPEN, State.HALF_OPEN
NOW = 1_000.0


def breaker_in(state: State) -> Breaker:
    """Return a breaker that is in a state at NOW, and was open for the shortest pause if it is not closed."""
    breaker = Breaker()
    if state is not CLOSED:
        breaker.failed(NOW if state is OPEN else NOW - BREAKER_PAUSE)
    assert breaker.state(NOW) is state
    return breaker


@pytest.mark.parametrize(
    ("before", "event", "after"),
    [
        (CLOSED, "time passes", CLOSED),
        (CLOSED, "an answer", CLOSED),
        (CLOSED, "a failure", OPEN),
        (OPEN, "some time passes", OPEN),
        (OPEN, "time passes", HALF_OPEN),
        (OPEN, "an answer", CLOSED),
        (OPEN, "a failure", OPEN),
        (HALF_OPEN, "time passes", HALF_OPEN),
        (HALF_OPEN, "an answer", CLOSED),
        (HALF_OPEN, "a failure", OPEN),
    ],
)
def test_the_table_of_transitions(before: State, event: str, after: State) -> None:
    """A failure opens it, time makes it half-open, and an answer closes it."""
    breaker, now = breaker_in(before), NOW
    if event == "a failure":
        breaker.failed(now)
    elif event == "an answer":
        breaker.answered()
    else:
        now += BREAKER_PAUSE * (0.99 if event.startswith("some") else 1.0)
    assert breaker.state(now) is after
    assert (breaker.until is None) == (after is CLOSED)


@pytest.mark.parametrize(
    ("state", "explicit", "expected"),
    [
        (CLOSED, False, "sends"),
        (OPEN, False, "retains at once"),
        (HALF_OPEN, False, "one probe"),
        (CLOSED, True, "sends"),
        (OPEN, True, "sends"),
        (HALF_OPEN, True, "sends"),
    ],
)
def test_what_a_flush_does_in_each_state(state: State, explicit: bool, expected: str) -> None:  # noqa: FBT001
    """At the end of an invocation a sick server is left alone, or asked once; an explicit flush always asks it."""
    queue = make_queue()
    queue.breaker = breaker_in(state)
    tally = Tally(explicit=explicit)
    buffer = queue.open_buffer(early=True, tally=tally)
    buffer.append(b"event")
    probe = queue.begin(tally, [buffer], Deadline.after(10.0), [buffer], NOW)
    if expected == "sends":
        assert (probe, retained(queue)) == (None, [])
        assert events_of(take(queue, tally, NOW)) == [b"event"]
    elif expected == "one probe":
        assert probe is not None
        assert (probe.probe, events_of(probe), len(queue.waiting), retained(queue)) == (True, [b"event"], 0, [])
        begin(queue, [b"further"], NOW)
        assert (list(queue.in_flight), len(queue.waiting), retained(queue)) == ([probe], 0, [b"further"])
    else:
        assert (probe, len(queue.waiting), retained(queue)) == (None, 0, [b"event"])


def pause_after(breaker: Breaker, retry_after: float | None = None) -> float:
    """Note a failure at the end of the pause, if there is one, and return the pause it leads to."""
    now = breaker.until or NOW
    breaker.failed(now, retry_after)
    assert breaker.until is not None
    return breaker.until - now


def test_the_pause_doubles_up_to_a_minute() -> None:
    """Each further failure doubles the pause, from five seconds to sixty."""
    breaker = Breaker()
    assert [pause_after(breaker) for _ in range(6)] == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    assert (BREAKER_PAUSE, BREAKER_PAUSE_MAX) == (5.0, 60.0)


def test_failures_within_a_pause_are_one() -> None:
    """Several batches that fail at the same time double the pause once, and none shortens it."""
    breaker = Breaker()
    breaker.failed(100.0)
    breaker.failed(101.0, 60.0)
    breaker.failed(102.0)
    assert breaker.until == 161.0
    assert pause_after(breaker) == 10.0


def test_an_answer_makes_the_next_pause_the_shortest() -> None:
    """After an answer the server is well, and the next failure begins anew."""
    breaker = Breaker()
    pause_after(breaker)
    pause_after(breaker)
    breaker.answered()
    assert breaker.until is None
    assert pause_after(breaker) == 5.0


@given(st.floats(0, 1e9))
def test_a_longer_pause_is_granted_within_reason(asked: float) -> None:
    """What the server asks for is a minimum, up to five minutes."""
    assert pause_after(Breaker(), asked) == pytest.approx(max(BREAKER_PAUSE, min(asked, RETRY_AFTER_MAX)))
    assert RETRY_AFTER_MAX == 300.0


@given(st.floats(0, 2_000))
def test_it_is_open_until_the_pause_is_over(now: float) -> None:
    """A server that failed is left alone until then, and from then on one request may find out."""
    breaker = Breaker()
    breaker.failed(100.0)
    assert breaker.state(now) is (OPEN if now < 105.0 else HALF_OPEN)


@given(st.floats(0, 1e9))
def test_before_any_failure_it_is_closed(now: float) -> None:
    """There is neither a pause nor anything to find out."""
    assert Breaker().state(now) is CLOSED
    assert Breaker().until is None
