"""Eight invocations that overlap in one process, beside a design with one buffer for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.environments import run_probe
from tests.benchmarks.spread import Measure, Measures
from tests.benchmarks.subjects import FORMO

if TYPE_CHECKING:
    from tests.benchmarks.effort import Effort
    from tests.benchmarks.server import FastServer

_FIGURES = {"each": "each invocation", "all": "all together", "CPU": "CPU of all"}


def measure(effort: Effort, server: FastServer) -> Measures:
    """Run the probe against a server that takes 20 ms."""
    server.delay(0.02)
    figures = run_probe(FORMO, "overlap.py", str(effort.overlaps), url=server.url(), timeout=120)
    server.take()
    measures: Measures = {}
    for threads in ("x1", "x8"):
        for key, name in _FIGURES.items():
            kept = measures[f"overlap {threads}: {name}"] = Measure("ms")
            for case, samples in figures.items():
                if case.endswith(threads):
                    kept.add(case.removesuffix(threads).strip(), samples[key])
    return measures
