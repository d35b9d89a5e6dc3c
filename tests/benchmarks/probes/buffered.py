"""What one more event costs our `track`, and takes, when 10 to 100 000 are buffered already."""

from __future__ import annotations

import json
import os
import sys
import time
import tracemalloc
from itertools import pairwise
from typing import Any

from formo_lambda import FormoAnalytics
from tests.benchmarks.handlers.workload import ADDRESSES, NAME, SMALL
from tests.benchmarks.probes.track_cost import NullTransport


def _fill(client: Any, marks: list[int]) -> dict[str, float]:
    """Return the microseconds of the caller's CPU per event between two marks."""
    costs = {}
    # Nothing leaves such an invocation before it has ended, so it buffers all there is; it ends when it is dropped.
    run = client.invocation(on_exception="discard")
    with run.step():
        for low, high in pairwise([0, *marks]):
            wallets = [ADDRESSES[number % 50] for number in range(low, high)]
            started = time.thread_time()
            for wallet in wallets:
                client.track(NAME, address=wallet, properties=SMALL)
            costs[str(high)] = (time.thread_time() - started) / (high - low) * 1e6
    return costs


def _allocated(client: Any, count: int) -> dict[str, float]:
    """Return the bytes that stay allocated for each buffered event, and those that one call needs at most."""
    run = client.invocation(on_exception="discard")
    with run.step():
        client.track(NAME, address=ADDRESSES[0], properties=SMALL)
        tracemalloc.start()
        for number in range(count):
            client.track(NAME, address=ADDRESSES[number % 50], properties=SMALL)
        kept = tracemalloc.get_traced_memory()[0] / count
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        client.track(NAME, address=ADDRESSES[0], properties=SMALL)
        peak = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
    return {"bytes kept per event": kept, "most bytes during a call": peak}


def _main() -> None:
    most, rounds = int(sys.argv[1]), int(sys.argv[2])
    client = FormoAnalytics("a-key", transport=NullTransport(), max_pending_size=1_000_000_000)
    marks = [mark for mark in (10, 100, 1_000, 10_000, 100_000) if mark <= most]
    # First, before senders are at work on what the fills leave behind: their allocations would count, too.
    allocation = _allocated(client, 2_000)
    _fill(client, marks[:3])
    costs: dict[str, list[float]] = {}
    for _ in range(rounds):
        for mark, cost in _fill(client, marks).items():
            costs.setdefault(mark, []).append(cost)
    print(json.dumps({"costs": costs, "allocation": allocation}), flush=True)
    # What was buffered is not to be sent at exit.
    os._exit(0)


if __name__ == "__main__":
    _main()
