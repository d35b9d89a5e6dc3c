"""Cost as it grows: the store of retained events at its bound, many clients, many warm invocations."""

from __future__ import annotations

import gc
import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from formo_lambda import FormoAnalytics, formo_flush
from tests.benchmarks.handlers.workload import ADDRESSES, NAME, SMALL
from tests.benchmarks.probes.track_cost import NullTransport

if TYPE_CHECKING:
    from collections.abc import Callable


class _Outage:
    """A transport for which the server is down."""

    def send(self, body: bytes, headers: Any, timeout: float) -> Any:
        """Fail."""
        raise ConnectionRefusedError("refused")


def _resident() -> float:
    """Return the resident memory in MB."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 -- one line of a pseudo-file
        return int(statm.read().split()[1]) * 4096 / 1e6


def _track(client: Any, count: int) -> None:
    for number in range(count):
        client.track(NAME, address=ADDRESSES[number % 50], properties=SMALL)


def store(invocations: int) -> dict[str, list[float]]:
    """Return what invocations of 100 events cost during an outage, before and after the store is full."""
    client = FormoAnalytics("a-key", transport=_Outage(), retry_count=0)
    memory = _resident()
    below: list[float] = []
    above: list[float] = []
    for _ in range(invocations):
        full = client.stats.undelivered > 0
        started = time.perf_counter()
        with client.invocation():
            _track(client, 100)
        (above if full else below).append((time.perf_counter() - started) * 1e3)
    return {
        "below": below[1:],
        "at": above,
        "retained": [float(client.stats.retained)],
        "MB": [_resident() - memory],
    }


def clients(count: int) -> dict[str, list[float]]:
    """Return what many clients cost to make, and what each takes."""
    FormoAnalytics("a-key", transport=NullTransport())
    memory, threads = _resident(), threading.active_count()
    made, times = [], []
    for _ in range(count):
        started = time.perf_counter()
        made.append(FormoAnalytics("a-key", api_host="http://127.0.0.1:1"))
        times.append((time.perf_counter() - started) * 1e6)
    return {
        "us": times,
        "KB": [(_resident() - memory) / count * 1e3],
        "threads": [float(threading.active_count() - threads)],
    }


def invocations(count: int) -> dict[str, list[float]]:
    """Return the resident memory over many warm invocations, every twentieth of which tracks an event."""
    client = FormoAnalytics("a-key", transport=NullTransport())

    @formo_flush
    def handler(event: int) -> int:
        if event % 20 == 0:
            client.track(NAME, address=ADDRESSES[event % 50], properties=SMALL)
        return event

    memory: list[float] = []
    times: list[float] = []
    step = count // 10
    for tenth in range(10):
        started = time.perf_counter()
        for number in range(tenth * step, (tenth + 1) * step):
            handler(number)
        times.append((time.perf_counter() - started) / step * 1e6)
        memory.append(_resident())
    return {"MB": memory, "us": times, "sent": [float(client.stats.sent)]}


_CASES: dict[str, Callable[[int], dict[str, list[float]]]] = {
    "store": store,
    "clients": clients,
    "invocations": invocations,
}

if __name__ == "__main__":
    print(json.dumps(_CASES[sys.argv[1]](int(sys.argv[2]))), flush=True)
