"""The look-alike of Lambda's context object."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from formo_lambda.testing import FakeLambdaContext

if TYPE_CHECKING:
    import pytest


def test_remaining_time_runs_down() -> None:
    """The remaining time is whole milliseconds that shrink by the time that passes."""
    context = FakeLambdaContext(remaining_ms=60_000)
    before = context.get_remaining_time_in_millis()
    started = time.monotonic()
    while time.monotonic() - started < 0.02:
        pass

    after = context.get_remaining_time_in_millis()

    assert type(after) is int
    assert 50_000 < before <= 60_000
    assert before - after >= 19


def test_remaining_time_ends_at_zero() -> None:
    """After its timeout a context reports 0, never less."""
    assert FakeLambdaContext(remaining_ms=-100).get_remaining_time_in_millis() == 0


def test_request_ids_differ_unless_given() -> None:
    """Each context is another invocation, except where the test names it."""
    assert FakeLambdaContext().aws_request_id != FakeLambdaContext().aws_request_id
    assert FakeLambdaContext(request_id="r-1").aws_request_id == "r-1"


def test_log_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """The context's log goes to standard output."""
    FakeLambdaContext().log("a line")

    assert capsys.readouterr().out == "a line"
