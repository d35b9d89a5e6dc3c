"""A wrong guess costs the deadline, never an event and never the handler."""

from __future__ import annotations

import ast
import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import FormoAnalytics, formo_flush
from tests.package.project import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from formo_lambda.testing import RecordingTransport

VARIABLES = ["VERCEL", "AWS_LAMBDA_FUNCTION_NAME", "K_SERVICE", "FUNCTIONS_WORKER_RUNTIME"]


@pytest.mark.parametrize("variable", [*VARIABLES, None])
@pytest.mark.parametrize("arguments", [(), ({},), ({}, None), ({}, object()), (1, 2, 3)])
def test_any_call_on_any_platform_delivers(
    client: FormoAnalytics,
    transport: RecordingTransport,
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
    arguments: tuple[Any, ...],
) -> None:
    """Whatever the environment says, a handler called with anything has its events delivered when it returns."""
    if variable is not None:
        monkeypatch.setenv(variable, "1")

    @formo_flush
    def handler(*args: Any) -> int:
        client.track("Sync")
        return 5

    @formo_flush
    async def asynchronous(*args: Any) -> int:
        client.track("Async")
        return 6

    assert handler(*arguments) == 5
    assert asyncio.run(asynchronous(*arguments)) == 6
    assert [event["event"] for event in transport.events] == ["Sync", "Async"]


class Broken:
    """A platform of the user's own with a fault."""

    name = "broken"
    serverless = True
    exit_budget = 1.0

    def __init__(self, *, recognises: bool) -> None:
        self.recognises = recognises

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Raise, if so made."""
        if not self.recognises:
            raise RuntimeError("no such cluster")
        return True

    def remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Raise."""
        raise RuntimeError("no such clock")


@pytest.mark.parametrize("recognises", [True, False])
def test_broken_platform_costs_the_deadline(
    client: FormoAnalytics,
    transport: RecordingTransport,
    caplog: pytest.LogCaptureFixture,
    *,
    recognises: bool,
) -> None:
    """A platform of the user's own that raises is logged; value and events are as without it."""

    @formo_flush(platforms=[Broken(recognises=recognises)])
    def handler() -> int:
        client.track("Swap Completed")
        return 5

    assert handler() == 5
    assert len(transport.events) == 1
    assert "deadline is not known" in caplog.text


def test_platforms_import_no_vendor() -> None:
    """The modules of the platforms import from the standard library and the package itself, and nothing else."""
    imported = set()
    for path in (PACKAGE / "platforms").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
    assert imported <= {*sys.stdlib_module_names, PACKAGE.name}
