"""Cold start: what importing and constructing costs over a bare interpreter, and what is installed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.environments import run_probe
from tests.benchmarks.spread import Measure, Measures
from tests.benchmarks.subjects import MEASURED

if TYPE_CHECKING:
    from tests.benchmarks.effort import Effort
    from tests.benchmarks.environments import Installed
    from tests.benchmarks.server import FastServer

_SPECS = '{"feature_gates":[],"dynamic_configs":[],"layer_configs":[],"has_updates":true,"time":1}'
_UNITS = {"ms": "ms", "modules": "", "MB": "MB"}


def measure(effort: Effort, server: FastServer, installed: dict[str, Installed]) -> Measures:
    """Start fresh interpreters, the subjects in turn."""
    samples: dict[str, dict[str, list[float]]] = {}
    server.delay(0)
    for number in range(effort.cold_rounds + 1):
        for subject in MEASURED:
            figures = run_probe(
                subject, "cold_start.py", subject.imports, subject.constructs, server.url(), _SPECS, timeout=60
            )
            if number:  # the first round fills the caches of the disk
                for name, figure in figures.items():
                    samples.setdefault(name, {}).setdefault(subject.name, []).append(figure)
    server.take()
    measures: Measures = {}
    for name, by_subject in samples.items():
        kept = measures[f"cold start: {name}"] = Measure(_UNITS[name.rsplit(" ", 1)[1]])
        for subject_name, figures in by_subject.items():
            kept.add(subject_name, figures)
    measures["size: distributions"], measures["size: wheels"], measures["size: installed"] = sizes = (
        Measure(""),
        Measure("KB"),
        Measure("KB"),
    )
    for subject in MEASURED:
        one = installed[subject.name]
        for size, figure in zip(sizes, (len(one.versions), one.wheels / 1e3, one.files / 1e3), strict=True):
            size.add(subject.name, [figure])
    return measures
