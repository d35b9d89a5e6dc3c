"""Measure beside other SDKs: `make bench`, or `python -m tests.benchmarks --help`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

from tests.benchmarks import cold_start, growth, handler_delay, overlap, report, throughput, track_cost
from tests.benchmarks.effort import FULL, QUICK
from tests.benchmarks.environments import prepare
from tests.benchmarks.server import FastServer
from tests.benchmarks.subjects import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.benchmarks.effort import Effort
    from tests.benchmarks.environments import Installed
    from tests.benchmarks.spread import Measures

_GROUPS = ("cold-start", "first-invocation", "track", "delay", "throughput", "import", "overlap", "at-once", "growth")


def main(arguments: Sequence[str]) -> int:
    """Measure, print how we stand, and record it or check it against the record."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run, which shows that everything works")
    parser.add_argument("--only", action="append", choices=_GROUPS, help="only this group (may be repeated)")
    parser.add_argument("--check", action="store_true", help="compare with results.json instead of writing it")
    options = parser.parse_args(arguments)
    if options.check and not report.JSON_FILE.exists():
        print("There are no recorded results to check against: run `make bench` first.")
        return 1
    for name in list(os.environ):
        if name.startswith("FORMO_") or name.lower().endswith("_proxy"):
            del os.environ[name]

    started = time.monotonic()
    installed = {subject.name: prepare(subject) for subject in EVERYTHING}
    measures = _measure(QUICK if options.quick else FULL, options.only or _GROUPS, installed)
    print("\n".join(report.tables(measures)))
    if options.check:
        fallen = report.check(measures)
        print("\n".join(["", "Fallen far behind the recorded results:", *fallen] if fallen else ["", "As recorded."]))
        return 1 if fallen else 0
    if options.quick or options.only:
        print("\nNot recorded: only a full run is.")
    else:
        report.write(measures, time.monotonic() - started)
    return 0


def _measure(effort: Effort, groups: Sequence[str], installed: dict[str, Installed]) -> Measures:
    measures: Measures = {}
    with FastServer() as server:
        runs: dict[str, Callable[[], Measures]] = {
            "cold-start": lambda: cold_start.measure(effort, server, installed),
            "first-invocation": lambda: handler_delay.measure_cold(effort, server),
            "track": lambda: track_cost.measure(effort),
            "delay": lambda: handler_delay.measure_warm(effort, server),
            "throughput": lambda: throughput.measure(effort, server),
            "import": lambda: throughput.measure_import(effort, server),
            "overlap": lambda: overlap.measure(effort, server),
            "at-once": lambda: overlap.measure_at_once(effort, server),
            "growth": lambda: growth.measure(effort),
        }
        for group in groups:
            started = time.monotonic()
            measures |= runs[group]()
            print(f"{group}: {time.monotonic() - started:.0f} s", flush=True)
    return measures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
