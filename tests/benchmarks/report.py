"""The results as JSON, as Markdown tables and as a picture, and the check against recorded ones."""

from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING, Any

from tests.benchmarks import picture
from tests.benchmarks.environments import HERE
from tests.benchmarks.subjects import MEASURED, PLAIN
from tests.benchmarks.targets import compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.benchmarks.spread import Measure, Measures, Spread
    from tests.benchmarks.targets import Comparison

JSON_FILE = HERE / "results.json"
MARKDOWN_FILE = HERE / "results.md"

#: What the official Node SDK 1.0.3 was measured to do: figures of another runtime and another day, for orientation.
_NODE = """\
For orientation, the official Node SDK (1.0.3, measured separately): 4 400 to 5 200 events per second and 50 requests
per 1 000 events at `flushAt` 20 with every `track()` awaited; 996 requests per 1 000 events, most of them empty, with
none awaited; 30 to 111 us of CPU per `track()` at `flushAt` 1, 142 to 541 us at 100.
"""
_GROUPS = {
    "cold start": "Cold start: over a bare interpreter",
    "size": "What is installed",
    "init": "Init phase under AWS's runtime client",
    "first invocation": "First invocation of a process, over the handler without SDK",
    "track": "`track()`: CPU of the caller",
    "delay": "The handler's delay, warm: response time over the handler without SDK",
    "throughput": "Throughput of one process, server at 0 ms",
    "import": "An import: 50 000 events of ours, 20 000 of each peer, tracked in a loop without a pause, then flushed",
    "overlap": "Overlapping invocations in one process, 20 events each, server at 20 ms",
    "at once": "Many invocations at once in one process, 10 events each, server at 100 ms",
    "growth": "Cost as it grows",
}


def document(measures: Measures) -> dict[str, Any]:
    """Return what is read again: what a check compares with, and what the picture is drawn from."""
    return {
        "delays": picture.delays(measures),
        "comparisons": {row.name: round(row.value, 4) for row in compare(measures)},
    }


def write(measures: Measures, seconds: float) -> None:
    """Write results.json, results.md and the picture."""
    results = document(measures)
    JSON_FILE.write_text(json.dumps(results, indent=1) + "\n")
    heading = "# Benchmarks\n\n" + _circumstances(seconds)
    MARKDOWN_FILE.write_text("\n".join([heading, *tables(measures)]) + "\n")
    picture.FILE.write_text(picture.draw(results["delays"]))


def check(measures: Measures) -> list[str]:
    """Return what fell far behind the recorded results, in words."""
    recorded = json.loads(JSON_FILE.read_text())["comparisons"]
    return [
        f"{row.name}: {row.value:.2f} {row.unit}, recorded {recorded[row.name]:.2f} {row.unit}"
        for row in compare(measures)
        if row.name in recorded and row.worse_than(recorded[row.name])
    ]


def tables(measures: Measures) -> Iterator[str]:
    """Yield the lines of all tables: how we stand, then each group."""
    yield ""
    yield "## How it stands"
    yield ""
    yield from _comparison_table(measures)
    for group, title in _GROUPS.items():
        # "overlap x1: all together" keeps its "x1".
        rows = {
            name.removeprefix(group).lstrip(": "): one
            for name, one in measures.items()
            if name.startswith((f"{group}: ", f"{group} x"))
        }
        if rows:
            yield ""
            yield f"## {title}"
            yield ""
            yield from _group_table(rows)
            if group == "throughput":
                yield ""
                yield _NODE.rstrip()


def _circumstances(seconds: float) -> str:
    return (
        f"Made by `make bench` in {seconds:.0f} s on {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}. Medians, with the quartiles in brackets; everything in one run, "
        "interleaved."
    )


def _comparison_table(measures: Measures) -> list[str]:
    rows = [[row.name, _value(row), _target(row), _verdict(row)] for row in compare(measures)]
    return _table(["comparison", "value", "target", ""], rows)


def _group_table(rows: dict[str, Measure]) -> list[str]:
    present = {name for measure in rows.values() for name in measure.subjects}
    ordered = [name for name in [*(subject.name for subject in MEASURED), PLAIN] if name in present]
    columns = ordered + sorted(present - set(ordered))
    return _table(
        ["", *columns],
        [
            [f"{name} ({measure.unit})" if measure.unit else name]
            + [_cell(measure.subjects.get(column)) for column in columns]
            for name, measure in rows.items()
        ],
    )


def _cell(spread: Spread | None) -> str:
    if spread is None:
        return ""
    text = _figure(spread.median)
    if spread.samples > 1:
        text += f" [{_figure(spread.low)} - {_figure(spread.high)}]"
    return f"{text}; {spread.note}" if spread.note else text


def _figure(value: float) -> str:
    size = abs(value)
    if size >= 1_000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def _value(row: Comparison) -> str:
    return f"{row.value:.2f} {row.unit}"


def _target(row: Comparison) -> str:
    return "" if row.target is None else f"at most {row.target:.2f} {row.unit}"


def _verdict(row: Comparison) -> str:
    return "" if row.met is None else "met" if row.met else "**missed**"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]
