"""The CPU that one call of `track` costs, beside the peers', and as the buffer grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.environments import run_probe
from tests.benchmarks.spread import Measure, Measures
from tests.benchmarks.subjects import FORMO, PEERS

if TYPE_CHECKING:
    from tests.benchmarks.effort import Effort

#: Separate processes, the subjects in turn, because one process tells only of itself.
_PROCESSES = 3


def measure(effort: Effort) -> Measures:
    """Run the probe in every subject's environment."""
    samples: dict[str, dict[str, list[float]]] = {}
    for _ in range(_PROCESSES):
        for subject in (FORMO, *PEERS):
            figures = run_probe(
                subject, "track_cost.py", subject.module, str(max(2, effort.bursts // _PROCESSES)), timeout=120
            )
            for case, costs in figures.items():
                samples.setdefault(case, {}).setdefault(subject.name, []).extend(costs)
    measures: Measures = {}
    for case, by_subject in samples.items():
        kept = measures[f"track: {case}"] = Measure("us")
        for name, costs in by_subject.items():
            kept.add(name, costs)
    buffered = run_probe(FORMO, "buffered.py", str(effort.buffered), "3", timeout=120)
    for mark, costs in buffered["costs"].items():
        kept = measures[f"track: up to {int(mark):,} buffered".replace(",", " ")] = Measure("us")
        kept.add(FORMO.name, costs)
    for name, figure in buffered["allocation"].items():
        kept = measures[f"track: {name}"] = Measure("B")
        kept.add(FORMO.name, [figure])
    return measures
