"""Throughput of one process, what a thousand events cost on the wire, and what becomes of an import."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.benchmarks.environments import run_probe
from tests.benchmarks.spread import Measure, Measures
from tests.benchmarks.subjects import FORMO, PEERS

if TYPE_CHECKING:
    from tests.benchmarks.effort import Effort
    from tests.benchmarks.server import FastServer


def measure(effort: Effort, server: FastServer) -> Measures:
    """Run the probe for every subject that sends, in turn."""
    names = {
        "events per second": "/s",
        "CPU per event": "us",
        "bytes per event": "B",
        "requests per 1 000 events": "",
    }
    measures: Measures = {f"throughput: {name}": Measure(unit) for name, unit in names.items()}
    samples: dict[str, dict[str, list[float]]] = {}
    notes: dict[str, str] = {}
    server.delay(0)
    for _ in range(effort.throughput_rounds):
        for subject in (FORMO, *PEERS):
            if not subject.sends:
                continue
            count = effort.ours if subject is FORMO else effort.theirs
            server.take()
            took = run_probe(subject, "throughput.py", subject.module, str(count), url=server.url(), timeout=180)
            taken = server.take()
            arrived = max(1, taken.events - 1)  # one warmed it up
            if arrived < count:
                notes[subject.name] = f"{1 - arrived / count:.0%} not sent by then"
            figures = (
                arrived / took["all"],
                took["CPU"] / count * 1e6,
                taken.bytes / arrived,
                taken.requests / arrived * 1e3,
            )
            for name, figure in zip(measures, figures, strict=True):
                samples.setdefault(name, {}).setdefault(subject.name, []).append(figure)
    for name, by_subject in samples.items():
        for subject_name, taken_samples in by_subject.items():
            measures[name].add(subject_name, taken_samples, notes.get(subject_name, ""))
    return measures


def measure_import(effort: Effort, server: FastServer) -> Measures:
    """Have every subject that sends import events in a loop, into a server that answers in 20 and in 100 ms."""
    measures: Measures = {}
    for delay in (20, 100):
        server.delay(delay / 1_000)
        rate = measures[f"import: server at {delay} ms, arrived per second"] = Measure("/s")
        missing = measures[f"import: server at {delay} ms, did not arrive"] = Measure("%")
        memory = measures[f"import: server at {delay} ms, peak memory above the start"] = Measure("MB")
        for subject in (FORMO, *PEERS):
            if not subject.sends:
                continue
            count = effort.imported if subject is FORMO else effort.theirs_imported
            server.take()
            try:
                took = run_probe(subject, "throughput.py", subject.module, str(count), url=server.url(), timeout=60)
            except subprocess.TimeoutExpired:
                server.take()
                rate.add(subject.name, [0.0], "not done in 60 s")
                continue
            arrived = max(0, server.take().events - 1)  # one warmed it up
            rate.add(subject.name, [arrived / took["all"]])
            missing.add(subject.name, [(count - arrived) / count * 100])
            memory.add(subject.name, [took["MB"]])
    server.delay(0)
    return measures
