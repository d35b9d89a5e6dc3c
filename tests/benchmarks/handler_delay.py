"""The handler's delay: its response time with an SDK and so many events, over that of the same handler without."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from tests.benchmarks.functions import answer_time, function_of, start
from tests.benchmarks.spread import Measure, Measures, spread_of
from tests.benchmarks.subjects import EVERYTHING, PLAIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.benchmarks.effort import Effort
    from tests.benchmarks.server import FastServer
    from tests.runtimes.sandbox import LambdaSandbox


class _Case(NamedTuple):
    """Warm invocations that are measured alike."""

    scheme: str
    delay: int
    events: int
    work: float
    rounds: int

    @property
    def name(self) -> str:
        busy = f", {self.work * 1e3:.0f} ms of other work" if self.work else ""
        return f"delay: {self.scheme}, server {self.delay} ms, N={self.events}{busy}"


class _Samples:
    """The response times of each subject in one case, and how many events arrived."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}
        self._tracked: dict[str, int] = {}
        self._arrived: dict[str, int] = {}

    def add(self, subject: str, took: float, tracked: int, arrived: int) -> None:
        self.times.setdefault(subject, []).append(took)
        self._tracked[subject] = self._tracked.get(subject, 0) + tracked
        self._arrived[subject] = self._arrived.get(subject, 0) + arrived

    def delays(self, sends: Mapping[str, bool]) -> Measure:
        """Return the delays over the plain handler."""
        plain = spread_of(self.times[PLAIN]).median
        kept = Measure("ms")
        for subject, times in self.times.items():
            if subject != PLAIN:
                missing = self._tracked[subject] - self._arrived[subject] if sends[subject] else 0
                note = f"{missing / self._tracked[subject]:.0%} not sent by then" if missing > 0 else ""
                kept.add(subject, [took - plain for took in times], note)
        return kept


def measure_warm(effort: Effort, server: FastServer) -> Measures:
    """Keep a process of every subject, and invoke them in turn."""
    measures: Measures = {}
    for scheme in effort.schemes:
        with ExitStack() as stack:
            functions = {s.name: stack.enter_context(function_of(s, server, scheme)) for s in EVERYTHING}
            server.delay(0)
            for function in functions.values():
                start(function)
                for _ in range(3):
                    answer_time(function, 1)
            for delay in effort.server_delays:
                server.delay(delay / 1e3)
                cases = [_Case(scheme, delay, count, 0.0, rounds) for count, rounds in effort.delays.items()]
                if delay == 20:
                    cases.append(_Case(scheme, delay, 200, 0.05, effort.delays[200]))
                for case in cases:
                    measures[case.name] = _measure_case(case, functions, effort.patience, server)
    return measures


def _measure_case(case: _Case, functions: Mapping[str, LambdaSandbox], patience: float, server: FastServer) -> Measure:
    samples = _Samples()
    spent = dict.fromkeys(functions, 0.0)
    server.take()
    for number in range(case.rounds):
        for name, function in functions.items():
            # A slow peer gets fewer rounds, so that the fast ones are not measured minutes apart.
            if number < 2 or spent[name] < patience:
                took = answer_time(function, case.events, case.work)
                samples.add(name, took, case.events, server.take().events)
                spent[name] += took / 1e3
    return samples.delays({subject.name: subject.sends for subject in EVERYTHING})


def measure_cold(effort: Effort, server: FastServer) -> Measures:
    """Start a fresh process of every subject for each sample: its init phase, and its first invocation."""
    measures: Measures = {}
    for scheme in effort.schemes:
        for delay, counts in ((0, (1,)), (20, (1, 200))):
            server.delay(delay / 1e3)
            for count in counts:
                init, samples = _first_invocations(effort, server, scheme, count)
                measures[f"init: {scheme}, server {delay} ms, N={count}"] = init
                kept = samples.delays({subject.name: subject.sends for subject in EVERYTHING})
                measures[f"first invocation: {scheme}, server {delay} ms, N={count}"] = kept
    return measures


def _first_invocations(effort: Effort, server: FastServer, scheme: str, count: int) -> tuple[Measure, _Samples]:
    init: dict[str, list[float]] = {}
    samples = _Samples()
    for _ in range(effort.cold_invocations):
        for subject in EVERYTHING:
            with function_of(subject, server, scheme) as function:
                init.setdefault(subject.name, []).append(start(function))
                server.take()
                took = answer_time(function, count)
                samples.add(subject.name, took, count, server.take().events)
            time.sleep(0.02)  # for the process to be gone
    kept = Measure("ms")
    for name, times in init.items():
        kept.add(name, times)
    return kept, samples
