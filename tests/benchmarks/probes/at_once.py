"""Many invocations that begin at the same time in one process, on threads, and for ours also as asyncio tasks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from tests.benchmarks.handlers.workload import ADDRESSES, SMALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EVENTS = 10


def _on_threads(handler: Callable[[Any, Any], object], many: int) -> list[float]:
    """Return the milliseconds of each invocation."""
    times: list[float] = []
    start = threading.Barrier(many)

    def invoke() -> None:
        start.wait()
        began = time.perf_counter()
        try:
            handler({"count": _EVENTS}, None)
        finally:
            times.append((time.perf_counter() - began) * 1e3)

    threads = [threading.Thread(target=invoke) for _ in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


@contextlib.contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Time what runs on an event loop, each callback and each step of a task by itself; keep the longest."""
    longest = {"wall": 0.0, "CPU": 0.0}
    run: Any = asyncio.Handle._run

    def timed(handle: Any) -> None:
        began, used = time.perf_counter(), time.thread_time()
        run(handle)
        longest["CPU"] = max(longest["CPU"], (time.thread_time() - used) * 1e3)
        longest["wall"] = max(longest["wall"], (time.perf_counter() - began) * 1e3)

    setattr(asyncio.Handle, "_run", timed)  # noqa: B010 - its type is not ours
    try:
        yield longest
    finally:
        setattr(asyncio.Handle, "_run", run)  # noqa: B010 - likewise


def _on_a_loop(loaded: Any, many: int) -> tuple[list[float], dict[str, float]]:
    """Return the milliseconds of each invocation, and the longest that the loop was kept."""
    from formo_lambda import formo_flush

    times: list[float] = []

    async def main() -> dict[str, float]:
        tracked = asyncio.Event()
        missing = many

        @formo_flush
        async def handler() -> None:
            nonlocal missing
            for number in range(_EVENTS):
                loaded.track(ADDRESSES[number], SMALL)
            missing -= 1
            if not missing:
                tracked.set()
            await tracked.wait()

        async def invoke() -> None:
            await handler()
            times.append((time.perf_counter() - began) * 1e3)

        tasks = [asyncio.create_task(invoke()) for _ in range(many)]
        await tracked.wait()
        # From here on the handlers do nothing any more: what keeps the loop is the flushes.
        with _timed() as longest:
            began = time.perf_counter()
            await asyncio.gather(*tasks)
        return longest

    longest = asyncio.run(main())
    return times, longest


def _slowest(times: list[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]


def _main() -> None:
    module, many, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    loaded: Any = __import__(module)
    loaded.handler({"count": _EVENTS}, None)
    figures: dict[str, list[float]] = {"p50": [], "p95": []}
    for _ in range(rounds):
        times = _on_threads(loaded.handler, many)
        figures["p50"].append(statistics.median(times))
        figures["p95"].append(_slowest(times))
    if module == "with_formo":
        figures |= {"p50, tasks": [], "p95, tasks": [], "loop kept": [], "loop kept, CPU": []}
        for _ in range(rounds):
            times, longest = _on_a_loop(loaded, many)
            figures["p50, tasks"].append(statistics.median(times))
            figures["p95, tasks"].append(_slowest(times))
            figures["loop kept"].append(longest["wall"])
            figures["loop kept, CPU"].append(longest["CPU"])
    print()
    print(json.dumps(figures))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    _main()
