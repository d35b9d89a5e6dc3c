"""The tables of `make platforms` and `make samples` say what the tests say."""

from __future__ import annotations

import ast
import itertools

import pytest

from tests.package.project import ROOT
from tests.runtimes.matrix import HERE, TABLES, Row, table_of


@pytest.mark.parametrize("row", list(itertools.chain(*TABLES.values())), ids=lambda row: f"{row.platform}-{row.kind}")
def test_every_row_has_a_test(row: Row) -> None:
    """The test that a row names is there."""
    file, _, function = row.test.partition("::")
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_sample_has_a_row() -> None:
    """Each folder of samples is run by `make samples`."""
    folders = {path.name for path in (ROOT / "samples").iterdir() if (path / "README.md").exists()}
    assert {row.kind for row in TABLES["samples"]} == folders


def test_cell_is_as_good_as_its_worst_test() -> None:
    """Tests are sorted into cells by their parameters, and one that failed shows."""
    rows = [Row("P", "all", "test_a.py::test_x"), Row("P", "some", "test_a.py::test_x", "sync", "3.11")]
    outcomes = {
        "test_a.py::test_x[3.12-sync]": "passed",
        "test_a.py::test_x[3.12-other]": "failed",
        "test_a.py::test_x[sync]": "passed",
        "test_a.py::test_x[3.10]": "skipped",
        "test_b.py::test_x[3.13]": "passed",
    }

    assert table_of(rows, outcomes)[2:] == [
        ["P", "all", "skipped", "", "failed", "passed"],
        ["P", "some", "", "passed", "passed", ""],
    ]
