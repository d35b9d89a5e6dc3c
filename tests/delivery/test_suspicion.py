"""How long a server is left alone after it failed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.delivery.suspicion import Suspicion
from formo_lambda.options import RETRY_AFTER_MAX, SUSPECT_PAUSE, SUSPECT_PAUSE_MAX


def pause_after(suspicion: Suspicion, asked: float | None = None) -> float:
    """Note a failure at the end of the pause, if there is one, and return the pause it leads to."""
    now = suspicion.until or 1_000.0
    suspicion.failed(now, asked)
    assert suspicion.until is not None
    return suspicion.until - now


def test_a_trusted_server_is_not_left_alone() -> None:
    """Before any failure there is neither a pause nor anything to find out."""
    suspicion = Suspicion()
    assert suspicion.until is None
    assert not suspicion.pausing(0.0)
    assert not suspicion.due(0.0)


def test_the_pause_doubles_up_to_a_minute() -> None:
    """Each further failure doubles the pause, from five seconds to sixty."""
    suspicion = Suspicion()
    assert [pause_after(suspicion) for _ in range(6)] == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    assert (SUSPECT_PAUSE, SUSPECT_PAUSE_MAX) == (5.0, 60.0)


def test_failures_within_a_pause_are_one() -> None:
    """Several batches that fail at the same time double the pause once, and none shortens it."""
    suspicion = Suspicion()
    suspicion.failed(100.0, None)
    suspicion.failed(101.0, 60.0)
    suspicion.failed(102.0, None)
    assert suspicion.until == 161.0
    assert pause_after(suspicion) == 10.0


def test_an_answer_clears_it() -> None:
    """After a success the server is trusted, and the next failure begins with the shortest pause."""
    suspicion = Suspicion()
    pause_after(suspicion)
    pause_after(suspicion)
    suspicion.cleared()
    assert suspicion.until is None
    assert pause_after(suspicion) == 5.0


@given(st.floats(0, 1e9))
def test_a_longer_pause_is_granted_within_reason(asked: float) -> None:
    """What the server asks for is a minimum, up to five minutes."""
    assert pause_after(Suspicion(), asked) == pytest.approx(max(SUSPECT_PAUSE, min(asked, RETRY_AFTER_MAX)))


@given(st.floats(0, 2_000))
def test_it_is_either_pausing_or_due(now: float) -> None:
    """A suspect server is left alone until the pause is over, and from then on one request may find out."""
    suspicion = Suspicion()
    suspicion.failed(100.0, None)
    assert suspicion.pausing(now) == (now < 105.0)
    assert suspicion.due(now) == (now >= 105.0)
