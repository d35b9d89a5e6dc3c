"""The deadline that Vercel's runtime tells."""

from __future__ import annotations

import sys
import types
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda.platforms.vercel import PLATFORM
from formo_lambda.testing import FakeLambdaContext

if TYPE_CHECKING:
    from collections.abc import Callable


def install(monkeypatch: pytest.MonkeyPatch, get_deadline: Callable[[], Any] | None) -> None:
    """Have a runtime loaded that tells this deadline; None for one that is too old to tell any."""
    module = types.ModuleType("vercel_runtime")
    if get_deadline is not None:
        module.get_deadline = get_deadline  # type: ignore[attr-defined] # a module of the test's own
    monkeypatch.setitem(sys.modules, "vercel_runtime", module)


def test_deadline_is_the_runtimes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seconds left are those until the moment that the runtime tells, in whatever time zone."""
    zone = timezone(timedelta(hours=5, minutes=30))
    install(monkeypatch, lambda: datetime.now(zone) + timedelta(seconds=12))

    remaining = PLATFORM.remaining((), {})

    assert remaining is not None
    assert 11 < remaining <= 12


def test_deadline_that_is_over_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the deadline no time is left, rather than less than none."""
    install(monkeypatch, lambda: datetime.now(timezone.utc) - timedelta(seconds=12))
    assert PLATFORM.remaining((), {}) == 0.0


@pytest.mark.parametrize("get_deadline", [None, lambda: None])
def test_runtime_that_tells_no_deadline(
    monkeypatch: pytest.MonkeyPatch, get_deadline: Callable[[], Any] | None
) -> None:
    """An old runtime, or a request without a deadline, leaves it open."""
    install(monkeypatch, get_deadline)
    assert PLATFORM.remaining((), {}) is None


def test_runtime_that_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the runtime nothing is imported, and a context among the arguments still tells."""
    monkeypatch.delitem(sys.modules, "vercel_runtime", raising=False)
    modules = set(sys.modules)

    assert PLATFORM.remaining((), {}) is None
    assert 29 < (PLATFORM.remaining(({}, FakeLambdaContext(30_000)), {}) or 0) <= 30
    assert set(sys.modules) == modules


@pytest.mark.parametrize(("environ", "matches"), [({"VERCEL": "1"}, True), ({"VERCEL": ""}, False), ({}, False)])
def test_variable_that_tells_vercel(environ: dict[str, str], *, matches: bool) -> None:
    """Its own variable decides; an empty one is none."""
    assert PLATFORM.matches(environ) is matches
