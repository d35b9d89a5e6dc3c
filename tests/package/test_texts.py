"""What README and CHANGELOG say is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from formo_lambda.constants import VERSION
from formo_lambda.testing import LocalCollector
from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

README = ROOT / "README.md"

# The reader's way: one block after the other, in one session, so that a later one may use what an earlier one made.
RUN = """
import sys
namespace = {"__name__": "readme"}
for start, source in eval(sys.stdin.read()):
    # The empty lines make a traceback name the line of the README.
    exec(compile("\\n" * start + source, "README.md", "exec"), namespace)
"""


def python_blocks() -> list[tuple[int, str]]:
    """Return the README's Python blocks, each with the number of lines before it."""
    text = README.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, found.start(1)), found[1])
        for found in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    """Stand in for Formo."""
    with LocalCollector(write_key="a-key") as collector:
        yield collector


def run_blocks(blocks: list[tuple[int, str]], collector: LocalCollector, cwd: Path) -> None:
    """Run blocks of the README in one fresh process, set up as the README tells its reader to."""
    environment = {
        **os.environ,
        "FORMO_WRITE_KEY": "a-key",
        "FORMO_EVENTS_BASE_URL": collector.url,
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
    }
    command = [sys.executable, "-c", RUN]
    run = subprocess.run(
        command, input=repr(blocks), env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=50
    )
    assert run.returncode == 0, run.stderr


def test_every_python_block_of_the_readme_runs(collector: LocalCollector, tmp_path: Path) -> None:
    """The README's Python blocks run one after the other, and what they send is accepted."""
    blocks = python_blocks()
    assert len(blocks) > 1
    run_blocks(blocks, collector, tmp_path)
    assert collector.problems == []


def test_first_block_of_the_readme_is_short_and_delivers(collector: LocalCollector, tmp_path: Path) -> None:
    """The README's first block has at most 12 lines of code, and its handler's events arrive before it returns."""
    start, source = python_blocks()[0]
    assert len([line for line in source.splitlines() if line.strip()]) <= 12
    call = "\nfrom formo_lambda.testing import FakeLambdaContext\nhandler({}, FakeLambdaContext())\nos._exit(0)\n"
    run_blocks([(start, source), (start, f"import os{call}")], collector, tmp_path)
    assert collector.events
    assert collector.problems == []


def test_newest_entry_of_the_changelog_is_this_version() -> None:
    """The first version that CHANGELOG.md has an entry for is the version of the code."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(r"^## \[?(\d[^\s\]]*)", text, re.MULTILINE)
    assert found is not None
    assert found[1] == VERSION


def test_readme_names_every_environment_variable() -> None:
    """The README names every environment variable that the package reads."""
    constants = (ROOT / "formo_lambda" / "constants.py").read_text(encoding="utf-8")
    variables = re.findall(r'^ENV_\w+: Final = "(\w+)"', constants, re.MULTILINE)
    assert variables
    text = README.read_text(encoding="utf-8")
    assert [name for name in variables if name not in text] == []


def test_every_test_that_the_readme_names_is_there() -> None:
    """The README's promises name tests, and each of them exists."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", README.read_text(encoding="utf-8"))
    assert len(named) > 10
    assert [(path, test) for path, test in named if f"def {test}(" not in (ROOT / path).read_text("utf-8")] == []


def test_the_readme_quotes_the_benchmark_table() -> None:
    """The comparisons in the README are those that the benchmarks recorded last."""
    recorded = (ROOT / "tests" / "benchmarks" / "results.md").read_text(encoding="utf-8")
    table = re.search(r"^## How it stands\n+((?:\|.*\n)+)", recorded, re.MULTILINE)
    assert table is not None
    assert table[1] in README.read_text(encoding="utf-8")
