"""Invocations that overlap in one process: beside a design with one buffer for all, and many beside the peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.environments import run_probe
from tests.benchmarks.spread import Measure, Measures
from tests.benchmarks.subjects import BASELINE, FORMO, PEERS

if TYPE_CHECKING:
    from tests.benchmarks.effort import Effort
    from tests.benchmarks.server import FastServer

_FIGURES = {"each": "each invocation", "all": "all together", "CPU": "CPU of all"}
#: How many at once; one, to compare with.
_MANY = (1, 8, 80, 200)
_EVENTS = 10


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


def measure_at_once(effort: Effort, server: FastServer) -> Measures:
    """Run the probe for every subject that sends against a server that takes 100 ms; samples are of a round each."""
    server.delay(0.1)
    measures: Measures = {}
    for many in _MANY:
        for subject in (BASELINE, FORMO, *(peer for peer in PEERS if peer.sends)):
            server.take()
            arguments = (subject.module, str(many), str(effort.at_once))
            figures = run_probe(subject, "at_once.py", *arguments, url=server.url(), timeout=240)
            taken = server.take()
            invocations = many * effort.at_once * (2 if subject is FORMO else 1)  # ours on a loop, too
            # One warmed it up.
            missing = 1 - (taken.events - _EVENTS) / (invocations * _EVENTS)
            note = f"{missing:.0%} not sent by then" if missing > 0 else ""
            figures["requests per 800 invocations"] = [(taken.requests - 1) / invocations * 800]
            figures["not sent by then"] = [max(0.0, missing * 100)]
            for figure, samples in figures.items():
                unit = {"requests per 800 invocations": "", "not sent by then": "%"}.get(figure, "ms")
                measures.setdefault(f"at once: x{many}, {figure}", Measure(unit)).add(subject.name, samples, note)
    return measures
