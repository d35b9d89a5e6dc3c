"""One cell of the product: a client meets a fault, flushes within a budget, and the server's ledger is the judge."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from formo_lambda import FlushResult, FormoAnalytics, formo_flush

from .product import FAULTS
from .truth import Case, Expectation

if TYPE_CHECKING:
    from collections.abc import Callable


#: What a flush may take beyond its budget.
TOLERANCE = 0.25
#: In time enough for an answer that needs no waiting to have been read.
_ENOUGH = 0.5
#: The bytes of a body, so small that every event of over half of it needs a request of its own.
_SMALL_BODY = 1_000
_BATCHES: dict[int, dict[str, Any]] = {1: {"flush_at": 100}, 20: {"flush_at": 100, "max_queue_size": _SMALL_BODY}}


class Cell(NamedTuple):
    """A place in the product."""

    fault: str
    budget: float
    #: `flush` or `handler`.
    how: str
    #: `sync` or `async`.
    kind: str
    batches: int

    def __str__(self) -> str:
        batches = "one batch" if self.batches == 1 else f"{self.batches} batches"
        return f"{self.fault} / {self.budget} s / {self.kind} {self.how} / {batches}"


class Verdict(NamedTuple):
    """What came of a cell."""

    elapsed: float
    #: The promises that were broken, in words; the bound in time is not among them.
    misses: list[str]
    late: bool


def judge(cell: Cell) -> Verdict:
    """Run a cell; if it misses its time and nothing else, once more, because a loaded machine may stall once."""
    verdict = run(cell)
    return run(cell) if verdict.late and not verdict.misses else verdict


def run(cell: Cell) -> Verdict:
    """Run a cell once, in a process of its own where its fault needs one."""
    if not FAULTS[cell.fault].alone:
        return run_here(cell)
    command = [sys.executable, "-m", "tests.promises.faults.matrix", "--cell", json.dumps(cell)]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        return Verdict(0.0, [f"the process ended with {done.returncode}: {done.stderr[-2000:]}"], late=False)
    return Verdict(*json.loads(done.stdout))


def run_here(cell: Cell) -> Verdict:
    """Run a cell in this process."""
    fault = FAULTS[cell.fault]
    given_up: list[str] = []

    def on_undelivered(events: list[dict[str, Any]], _: Exception) -> None:
        given_up.extend(str(event["message_id"]) for event in events)

    with fault.world() as world:
        world.begin()
        client = FormoAnalytics(
            "test-key",
            api_host=world.api_host,
            on_undelivered=on_undelivered,
            handle_signals=False,
            **_BATCHES[cell.batches],
        )
        try:
            ids: list[str] = []
            elapsed, result = _meet(cell, client, ids)
            expected = Expectation(fault, whole=cell.batches == 1, patient=cell.budget >= _ENOUGH)
            case = Case(expected, world.server.ledger, client, ids, given_up)
            case.while_it_lasts(result)
            world.end()
            case.afterwards(client.flush(5.0))
        finally:
            world.end()
            client.close()
    return Verdict(elapsed, case.misses, late=elapsed > cell.budget + TOLERANCE)


def _meet(cell: Cell, client: FormoAnalytics, ids: list[str]) -> tuple[float, FlushResult | None]:
    """Track and flush as the cell says; returns the seconds, and the result where the caller gets one."""

    def track() -> None:
        padding = "x" * (_SMALL_BODY // 2 if cell.batches > 1 else 10)
        ids.extend(client.track("Fault Met", properties={"number": n, "padding": padding}) for n in range(20))

    @formo_flush(timeout=cell.budget)
    def handler(event: object, context: object) -> str:
        track()
        return "value"

    @formo_flush(timeout=cell.budget)
    async def async_handler(event: object, context: object) -> str:
        track()
        return "value"

    def call_handler() -> None:
        value = asyncio.run(async_handler({}, None)) if cell.kind == "async" else handler({}, None)
        assert value == "value"

    if cell.how == "handler":
        return _timed(call_handler)
    track()
    if cell.kind == "async":
        return _timed(lambda: asyncio.run(client.aflush(cell.budget)))
    return _timed(lambda: client.flush(cell.budget))


def _timed(call: Callable[[], FlushResult | None]) -> tuple[float, FlushResult | None]:
    started = time.monotonic()
    result = call()
    return time.monotonic() - started, result
