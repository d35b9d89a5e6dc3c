"""Run the tests of the runtimes, and write the tables of this folder's README: platform, kind of handler, Python.

`python -m tests.runtimes.matrix platforms` has a row for each kind of handler; `... samples` one for each sample.
"""

from __future__ import annotations

import platform
import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.package.project import PYTHONS

HERE = Path(__file__).parent
PAGE = HERE / "README.md"
HERE_VERSION = ".".join(platform.python_version_tuple()[:2])

# The worst comes first: a cell is as good as the worst of its tests.
OUTCOMES = ["failed", "skipped", "passed"]


class Row(NamedTuple):
    """One row of a table: which tests stand for it."""

    platform: str
    kind: str
    #: The test, as `file::function` below this folder.
    test: str
    #: What its parameters must match, as a regular expression.
    parameters: str = ""
    #: The Python it runs on, where no parameter says so.
    version: str = "3.13"


_VERCEL = "vercel/test_"
_WEB = "web/test_servers.py::test_events_of_a_"

TABLES = {
    "platforms": [
        Row("AWS Lambda", "function", "aws_frameworks/test_versions.py::test_every_event_arrives_before_the_response"),
        Row(
            "AWS Lambda",
            "function over TLS",
            "test_aws_lambda.py::test_every_event_arrives_before_the_response",
            "https",
            HERE_VERSION,
        ),
        Row(
            "AWS Lambda",
            "function that raises",
            "aws_frameworks/test_versions.py::test_events_of_a_failing_handler_arrive_before_the_error",
        ),
        Row(
            "AWS Lambda",
            "Powertools, above and below",
            "aws_frameworks/test_powertools.py::test_order_of_decorators_does_not_matter",
        ),
        Row(
            "AWS Lambda",
            "FastAPI in Mangum",
            "aws_frameworks/test_mangum.py::test_every_event_arrives_before_the_response",
        ),
        Row("AWS Lambda", "Chalice", "aws_frameworks/test_chalice.py::test_every_event_arrives_before_the_response"),
        Row(
            "AWS Lambda",
            "redelivered SQS message",
            "aws_frameworks/test_retries.py::test_redelivered_message_is_counted_once",
        ),
        Row(
            "AWS Lambda", "durable function", "aws_frameworks/test_durable.py::test_events_of_replays_are_counted_once"
        ),
        Row(
            "AWS Lambda",
            "Managed Instance",
            "aws_frameworks/test_managed_instances.py::test_workers_deliver_each_their_own",
        ),
        Row(
            "AWS Lambda",
            "SnapStart",
            "aws_frameworks/test_snapshot.py::test_copies_with_dead_connections_deliver_in_time",
        ),
        Row("Google Cloud", "http function", "google/test_signatures.py::test_every_version_of_python", "sync"),
        Row("Google Cloud", "async http function", "google/test_signatures.py::test_every_version_of_python", "aio"),
        Row(
            "Google Cloud",
            "CloudEvent function",
            "google/test_signatures.py::test_every_event_arrives_before_the_answer",
            "sync-cloud_event",
        ),
        Row(
            "Google Cloud",
            "async CloudEvent function",
            "google/test_signatures.py::test_every_event_arrives_before_the_answer",
            "aio-cloud_event",
        ),
        Row(
            "Google Cloud",
            "background function",
            "google/test_signatures.py::test_every_event_arrives_before_the_answer",
            "background",
        ),
        Row(
            "Google Cloud",
            "typed function",
            "google/test_signatures.py::test_every_event_arrives_before_the_answer",
            "typed",
        ),
        Row(
            "Google Cloud",
            "streamed response",
            "google/test_streaming.py::test_instance_that_stops_at_the_last_byte_has_sent_everything",
            "sync",
        ),
        Row(
            "Google Cloud",
            "async streamed response",
            "google/test_streaming.py::test_instance_that_stops_at_the_last_byte_has_sent_everything",
            "aio",
        ),
        Row(
            "Vercel",
            "handler class",
            f"{_VERCEL}class.py::test_events_are_delivered_after_the_last_byte_and_before_the_end",
        ),
        Row("Vercel", "WSGI function", f"{_VERCEL}wsgi.py::test_bare_function_with_a_list_delivers_before_its_body"),
        Row(
            "Vercel",
            "WSGI function, streamed",
            f"{_VERCEL}wsgi.py::test_bare_function_with_a_stream_delivers_before_the_end",
        ),
        Row("Vercel", "Flask", f"{_VERCEL}wsgi.py::test_flask_object_delivers_before_the_last_byte"),
        Row(
            "Vercel",
            "ASGI function",
            f"{_VERCEL}asgi.py::test_bare_function_delivers_before_the_last_byte_and_the_rest_before_the_end",
        ),
        Row("Vercel", "FastAPI", f"{_VERCEL}asgi.py::test_background_tasks_deliver_before_the_end"),
        Row(
            "Azure Functions", "function", "azure/test_functions.py::test_every_event_arrives_before_the_result", "sync"
        ),
        Row(
            "Azure Functions",
            "async function",
            "azure/test_functions.py::test_every_event_arrives_before_the_result",
            "coroutine",
        ),
        Row("gunicorn", "Flask", f"{_WEB}plain_response_are_delivered_before_its_last_byte", "gunicorn.*flask"),
        Row("gunicorn", "Flask, streamed", f"{_WEB}stream_are_delivered_before_its_last_byte", "gunicorn.*flask"),
        Row("gunicorn", "Django", f"{_WEB}plain_response_are_delivered_before_its_last_byte", "gunicorn.*django"),
        Row("uvicorn", "Starlette", f"{_WEB}plain_response_are_delivered_before_its_last_byte", "uvicorn.*starlette"),
        Row("uvicorn", "Starlette, streamed", f"{_WEB}stream_are_delivered_before_its_last_byte", "uvicorn.*starlette"),
        Row("uvicorn", "FastAPI", f"{_WEB}plain_response_are_delivered_before_its_last_byte", "uvicorn.*fastapi"),
        Row("uvicorn", "Django", f"{_WEB}plain_response_are_delivered_before_its_last_byte", "uvicorn.*django"),
    ],
    "samples": [
        Row(
            "AWS Lambda",
            "aws_lambda",
            "test_aws_lambda_sample.py::test_swap_becomes_two_events_before_the_response",
            "",
            HERE_VERSION,
        ),
        Row(
            "AWS Lambda",
            "aws_lambda_fastapi",
            "aws_frameworks/test_sample.py::test_swap_becomes_two_events_before_the_response",
        ),
        Row(
            "Google Cloud",
            "google_cloud_functions",
            "google/test_sample.py::test_swap_becomes_two_events_before_the_answer",
        ),
        Row(
            "Vercel",
            "vercel_handler",
            f"{_VERCEL}samples.py::test_a_posted_swap_becomes_two_events_before_the_end",
            "vercel_handler",
        ),
        Row(
            "Vercel",
            "vercel_fastapi",
            f"{_VERCEL}samples.py::test_a_posted_swap_becomes_two_events_before_the_end",
            "vercel_fastapi",
        ),
        Row(
            "Vercel",
            "vercel_flask",
            f"{_VERCEL}samples.py::test_a_posted_swap_becomes_two_events_before_the_end",
            "vercel_flask",
        ),
        Row(
            "Azure Functions", "azure_functions", "azure/test_sample.py::test_swap_becomes_two_events_before_the_answer"
        ),
    ],
}


class Outcomes:
    """A plugin of pytest that keeps how each test went."""

    def __init__(self) -> None:
        #: By the test's id below this folder.
        self.of: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst of a test's phases."""
        test = report.nodeid.partition(f"{HERE.parent.name}/{HERE.name}/")[2]
        self.of[test] = min(report.outcome, self.of.get(test, "passed"), key=OUTCOMES.index)


def cells_of(row: Row, outcomes: dict[str, str]) -> dict[str, str]:
    """Return the worst outcome of the row's tests for each Python."""
    cells: dict[str, str] = {}
    for test, outcome in outcomes.items():
        name, _, parameters = test.partition("[")
        if name != row.test or not re.search(row.parameters, parameters):
            continue
        found = re.search(r"\b3\.\d+\b", parameters)
        version = found[0] if found else row.version
        cells[version] = min(outcome, cells.get(version, "passed"), key=OUTCOMES.index)
    return cells


def table_of(rows: list[Row], outcomes: dict[str, str]) -> list[list[str]]:
    """Return the lines of the table: platform, kind, and a cell for each Python, empty where there is no test."""
    cells = [cells_of(row, outcomes) for row in rows]
    versions = [version for version in PYTHONS if any(version in row for row in cells)]
    table = [["platform", "handler", *versions], ["---"] * (2 + len(versions))]
    for row, found in zip(rows, cells, strict=True):
        table.append([row.platform, row.kind, *(found.get(version, "") for version in versions)])
    return table


def main(arguments: list[str]) -> int:
    """Run the tests of one table and print it; 0 if none failed and no row is without a test."""
    rows = TABLES[arguments[0]]
    outcomes = Outcomes()
    tests = sorted({str(HERE / row.test) for row in rows})
    pytest.main(["-q", "--no-header", "-p", "no:cacheprovider", *tests], plugins=[outcomes])
    table = table_of(rows, outcomes.of)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        cells = " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write(f"| {cells} |\n")
    complete = all(any(line[2:]) for line in table)
    if complete and not any(word in line for line in table for word in ("failed", "skipped")):
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), arguments[0], table), encoding="utf-8")
    return 0 if complete and not any("failed" in line for line in table) else 1


def with_table(page: str, name: str, table: list[list[str]]) -> str:
    """Return the page with another table under the heading of that name."""
    head, heading, rest = page.partition(f"## {name.title()}\n\n")
    lines = ["|" + "".join(f" {cell} |" if cell else " |" for cell in line) for line in table]
    return head + heading + "\n".join(lines) + "\n" + re.sub(r"\A(\|.*\n)+", "", rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
