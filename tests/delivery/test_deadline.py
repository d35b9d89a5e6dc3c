"""The one owner of "how long still"."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.delivery.deadline import Deadline


@given(st.floats(0, 1e6))
def test_remaining_runs_down(seconds: float) -> None:
    """What is left is never more than was given, never below zero, and never grows."""
    deadline = Deadline.after(seconds)
    first, second = deadline.remaining(), deadline.remaining()
    assert seconds + 1e-6 >= first >= second >= 0.0


def test_what_is_past_leaves_nothing() -> None:
    """A moment in the past leaves zero."""
    assert Deadline(time.monotonic() - 10.0).remaining() == 0.0
    assert Deadline.after(-5.0).remaining() == 0.0


@given(st.floats(0, 1e3), st.floats(0, 1e3))
def test_earlier_never_prolongs(seconds: float, other: float) -> None:
    """The earlier of two is the earlier, and the first is left as it was."""
    deadline = Deadline.after(seconds)
    at = deadline.at
    earlier = deadline.earlier(other)
    assert earlier.at <= at
    assert earlier.remaining() <= other + 1e-6
    assert deadline.at == at


def test_it_shows_what_is_left() -> None:
    """Its repr is for reading in a debugger."""
    assert repr(Deadline(0.0)) == "Deadline(in 0.000 s)"
