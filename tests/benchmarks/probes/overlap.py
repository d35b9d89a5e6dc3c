"""Overlapping invocations in one process: ours, beside the one buffer for all that comparable SDKs have."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import urllib3

from formo_lambda import FormoAnalytics, formo_flush
from tests.benchmarks.handlers.workload import ADDRESSES, NAME, SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

_EVENTS = 20
_URL = os.environ["BENCH_URL"]

analytics = FormoAnalytics("a-key", api_host=_URL)


@formo_flush
def ours() -> None:
    """Track, and leave the rest to the decorator."""
    for number in range(_EVENTS):
        analytics.track(NAME, address=ADDRESSES[number], properties=SMALL)


def nothing() -> None:
    """Track nothing."""


class GlobalBuffer:
    """The usual design, at its cheapest: one list for all, a lock around it, and one request per flush."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[dict[str, Any]] = []
        self._pool = urllib3.PoolManager()

    def track(self, address: str) -> None:
        """Take one event."""
        event = {"type": "track", "event": NAME, "address": address, "properties": dict(SMALL), "at": time.time()}
        with self._lock:
            self._events.append(event)

    def flush(self) -> None:
        """Send everything there is, whoever it is of, and wait for whoever is at it already."""
        with self._lock:
            events, self._events = self._events, []
            if events:
                body = json.dumps(events).encode()
                self._pool.request("POST", _URL + "/v0/raw_events", body=body, retries=False)


shared = GlobalBuffer()


def theirs() -> None:
    """Track, and flush all there is."""
    for number in range(_EVENTS):
        shared.track(ADDRESSES[number])
    shared.flush()


def _overlap(handler: Callable[[], None], threads: int) -> tuple[list[float], float, float]:
    """Run handlers side by side; return the time of each, of all, and the CPU time of all, in milliseconds."""
    times: list[float] = []
    start = threading.Barrier(threads + 1)

    def invoke() -> None:
        start.wait()
        began = time.perf_counter()
        handler()
        times.append((time.perf_counter() - began) * 1e3)

    workers = [threading.Thread(target=invoke) for _ in range(threads)]
    for worker in workers:
        worker.start()
    used = time.process_time()
    start.wait()
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    return times, (time.perf_counter() - began) * 1e3, (time.process_time() - used) * 1e3


def _main() -> None:
    rounds = int(sys.argv[1])
    designs = {"formo-lambda": ours, "global buffer": theirs}
    figures: dict[str, dict[str, list[float]]] = {}
    for number in range(rounds + 2):
        for threads in (1, 8):
            for name, handler in designs.items():
                each, together, used = _overlap(handler, threads)
                if number >= 2:  # the first two warm connections and threads up
                    case = figures.setdefault(f"{name} x{threads}", {"each": [], "all": [], "CPU": []})
                    case["each"] += each
                    case["all"].append(together)
                    case["CPU"].append(used)
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    _main()
