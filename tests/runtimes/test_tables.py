"""The tables of `make platforms` and `make samples`, and of this folder's README, say what the tests say."""

from __future__ import annotations

import ast
import itertools

import pytest

from tests.package.project import ROOT
from tests.runtimes.matrix import HERE, PAGE, TABLES, Row, table_of, with_table


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


@pytest.mark.parametrize("name", list(TABLES))
def test_the_page_has_every_row(name: str) -> None:
    """The table of the README has the rows of the tests, in their order, and each has a cell that passed."""
    page = PAGE.read_text(encoding="utf-8")
    lines = page.partition(f"## {name.title()}\n\n")[2].partition("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert [(row.platform, row.kind) for row in TABLES[name]] == [(line[0], line[1]) for line in cells]
    assert all(set(line[2:]) - {""} == {"passed"} for line in cells)


def test_a_table_replaces_the_one_before_and_no_other() -> None:
    """The table of one name is written, and what stands around it is left alone."""
    page = "# All\n\n## Platforms\n\n| a |\n| b |\n\n## Samples\n\n| c |\n"
    written = "# All\n\n## Platforms\n\n| x | | |\n\n## Samples\n\n| c |\n"
    assert with_table(page, "platforms", [["x", "", ""]]) == written


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
