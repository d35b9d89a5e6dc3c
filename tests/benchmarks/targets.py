"""The comparisons that matter: where each stands, where it should stand, and how far it may fall behind the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.benchmarks.subjects import OURS, PEERS, RAW

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.benchmarks.spread import Measure, Measures

#: How many times its recorded value a comparison may have in a check: the check is short, the machine not quiet.
_MARGIN = 2.0


class Comparison(NamedTuple):
    """One figure of ours beside another; the smaller the better.

    Attributes:
        name: What is compared.
        value: The ratio, the difference in milliseconds, the count or the share.
        unit: "x", "ms", "%", or what is counted.
        target: Where it should stand at most; None where there is no target.
        slack: What is added to the margin of a check.
    """

    name: str
    value: float
    unit: str
    target: float | None
    slack: float = 0.0

    @property
    def met(self) -> bool | None:
        """Whether the target is met."""
        return None if self.target is None else self.value <= self.target

    def worse_than(self, recorded: float) -> bool:
        """Whether it is far from what was recorded."""
        return self.value > max(recorded, 0.0) * _MARGIN + self.slack


def compare(measures: Measures) -> list[Comparison]:
    """Return every comparison that these measures allow."""
    groups = (_cold_start, _track, _delay, _import, _overlap, _at_once, _growth)
    return [comparison for group in groups for comparison in group(measures)]


def _median(measures: Measures, name: str, subject: str = OURS) -> float | None:
    measure = measures.get(name)
    spread = measure.subjects.get(subject) if measure else None
    return spread.median if spread else None


def _best_peer(measure: Measure | None, names: Iterable[str]) -> float | None:
    """Return the lowest median among peers that did what they were asked to."""
    spreads = [measure.subjects[name] for name in names if name in measure.subjects] if measure else []
    return min((spread.median for spread in spreads if not spread.note), default=None)


def _cold_start(measures: Measures) -> Iterator[Comparison]:
    ours = _median(measures, "cold start: import ms")
    peer = _best_peer(measures.get("cold start: import ms"), [peer.name for peer in PEERS])
    if ours is not None and peer:
        yield Comparison("import / import of the lightest peer", ours / peer, "x", 1.3)
    both = _median(measures, "cold start: both ms")
    raw = _median(measures, "cold start: import ms", RAW)
    if both is not None and raw:
        yield Comparison("import and construction / import of urllib3 and tenacity", both / raw, "x", 1.1)


def _track(measures: Measures) -> Iterator[Comparison]:
    for case in ("small", "2 KB"):
        ours = _median(measures, f"track: {case}")
        peer = _best_peer(measures.get(f"track: {case}"), [peer.name for peer in PEERS if peer.checks and peer.sends])
        if ours is not None and peer:
            yield Comparison(f"track, {case} / fastest peer that validates or serialises", ours / peer, "x", 1 / 3)
    first = _median(measures, "track: up to 1 000 buffered")
    last = _median(measures, "track: up to 100 000 buffered") or _median(measures, "track: up to 10 000 buffered")
    if first and last:
        yield Comparison("track, many buffered / up to 1 000 buffered", last / first, "x", 1.25)


def _import(measures: Measures) -> Iterator[Comparison]:
    for delay in (20, 100):
        lost = _median(measures, f"import: server at {delay} ms, did not arrive")
        if lost is not None:
            yield Comparison(f"import, server at {delay} ms: events that did not arrive", lost, "%", 0.0)


def _delay(measures: Measures) -> Iterator[Comparison]:
    for scheme in ("http", "https"):
        for delay in (0, 20, 100):
            case = f"delay: {scheme}, server {delay} ms"
            nothing = _median(measures, f"{case}, N=0")
            if nothing is not None and delay == 0:
                yield Comparison(f"{case}, N=0", nothing, "ms", 0.1, slack=0.5)
            ours, raw = _median(measures, f"{case}, N=1"), _median(measures, f"{case}, N=1", RAW)
            if ours is not None and raw is not None:
                if delay == 0:
                    yield Comparison(f"{case}, N=1 - raw POST", ours - raw, "ms", 0.5, slack=1.0)
                else:
                    yield Comparison(f"{case}, N=1 / raw POST", ours / raw, "x", 1.05)
            for count in (20, 200, 2_000):
                many = _median(measures, f"{case}, N={count}")
                senders = [peer.name for peer in PEERS if peer.sends]
                peer = _best_peer(measures.get(f"{case}, N={count}"), senders)
                if many is not None and peer:
                    yield Comparison(f"{case}, N={count} / fastest peer", many / peer, "x", 1.0)


def _overlap(measures: Measures) -> Iterator[Comparison]:
    for case in ("each invocation", "all together"):
        ours = _median(measures, f"overlap x8: {case}", OURS)
        other = _median(measures, f"overlap x8: {case}", "global buffer")
        if ours is not None and other:
            yield Comparison(f"8 overlapping, {case} / global buffer", ours / other, "x", 1.0)


def _at_once(measures: Measures) -> Iterator[Comparison]:
    one = _median(measures, "at once: x1, p50", RAW)
    for many, target in ((8, 1.5), (80, 3.0), (200, 4.0)):
        for figure, where in (("p95", "threads"), ("p95, tasks", "tasks")):
            ours = _median(measures, f"at once: x{many}, {figure}")
            if ours is not None and one:
                yield Comparison(f"{many} at once, {where}, p95 / one raw POST", ours / one, "x", target)
        missing = _median(measures, f"at once: x{many}, not sent by then")
        if missing is not None:
            yield Comparison(f"{many} at once, events not sent by then", missing, "%", 0.0)
    requests = _median(measures, "at once: x200, requests per 800 invocations")
    if requests is not None:
        yield Comparison("200 at once, requests per 800 invocations", requests, "requests", 400.0)
    kept = _median(measures, "at once: x80, loop kept")
    if kept is not None:
        yield Comparison("80 at once, the longest that a flush keeps the loop", kept, "ms", 1.0, slack=20.0)


def _growth(measures: Measures) -> Iterator[Comparison]:
    below = _median(measures, "growth: outage: 100 events tracked and retained, store below its bound")
    at = _median(measures, "growth: outage: 100 events tracked and retained, store at its bound")
    if below and at:
        yield Comparison("retaining at the bound of the store / below it", at / below, "x", 2.0)
    before = _median(measures, "growth: warm invocations: memory after the first tenth")
    after = _median(measures, "growth: warm invocations: memory after all")
    if before and after:
        yield Comparison("memory after all warm invocations / after a tenth", after / before, "x", 1.05)
