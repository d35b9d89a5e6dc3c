"""Cost as it grows: retained events, clients, invocations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.environments import run_probe
from tests.benchmarks.spread import Measure, Measures
from tests.benchmarks.subjects import FORMO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.effort import Effort


def measure(effort: Effort) -> Measures:
    """Run the three cases, each in a process of its own."""
    store = run_probe(FORMO, "growth.py", "store", str(effort.stored), timeout=120)
    clients = run_probe(FORMO, "growth.py", "clients", str(effort.clients), timeout=120)
    invocations = run_probe(FORMO, "growth.py", "invocations", str(effort.invocations), timeout=300)
    memory = invocations["MB"]
    measures: Measures = {}
    _keep(measures, "outage: 100 events tracked and retained, store below its bound", "ms", store["below"])
    _keep(measures, "outage: 100 events tracked and retained, store at its bound", "ms", store["at"])
    _keep(measures, "outage: memory of the store at its bound", "MB", store["MB"])
    _keep(measures, f"{effort.clients} clients: construction of each", "us", clients["us"])
    _keep(measures, f"{effort.clients} clients: memory of each", "KB", clients["KB"])
    _keep(measures, f"{effort.clients} clients: threads of all", "", clients["threads"])
    _keep(measures, "warm invocations: time of each", "us", invocations["us"])
    _keep(measures, "warm invocations: memory after the first tenth", "MB", memory[:1])
    _keep(measures, "warm invocations: memory after all", "MB", memory[-1:])
    return measures


def _keep(measures: Measures, name: str, unit: str, samples: Sequence[float]) -> None:
    measures[f"growth: {name}"] = kept = Measure(unit)
    kept.add(FORMO.name, samples)
