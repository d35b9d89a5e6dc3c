"""What README, the guides and CHANGELOG say is so."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from formo_lambda import FormoAnalytics
from formo_lambda.constants import VERSION
from formo_lambda.results import FlushResult
from formo_lambda.testing import LocalCollector
from tests.package.pages import (
    CONTRIBUTING,
    GUIDES,
    PAGES,
    PROMISES,
    README,
    REPOSITORY,
    anchors,
    blocks,
    links,
    make_targets,
    paths,
)
from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The reader's way: one block after the other, in one session, so that a later one may use what an earlier one made.
RUN = """
import sys
namespace = {"__name__": "page"}
for start, source in eval(sys.stdin.read()):
    # The empty lines make a traceback name the line of the page.
    exec(compile("\\n" * start + source, "page.md", "exec"), namespace)
"""


def name_of(page: Path) -> str:
    """Return the path of a page, as the id of a test."""
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    """Stand in for Formo."""
    with LocalCollector(write_key="a-key") as collector:
        yield collector


def run_blocks(sources: list[tuple[int, str]], collector: LocalCollector, cwd: Path) -> None:
    """Run blocks of a page in one fresh process, set up as the README tells its reader to."""
    environment = {
        **os.environ,
        "FORMO_WRITE_KEY": "a-key",
        "FORMO_EVENTS_BASE_URL": collector.url,
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
    }
    command = [sys.executable, "-c", RUN]
    run = subprocess.run(
        command, input=repr(sources), env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=50
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("page", [README, GUIDES], ids=name_of)
def test_every_python_block_runs(page: Path, collector: LocalCollector, tmp_path: Path) -> None:
    """A page's Python blocks run one after the other, and what they send is accepted."""
    sources = blocks(page, "python")
    assert len(sources) > 5
    run_blocks(sources, collector, tmp_path)
    assert collector.events
    assert collector.problems == []


@pytest.mark.parametrize(
    "source", [pytest.param(source, id=f"line {source[0]}") for source in blocks(GUIDES, "python")]
)
def test_each_guide_stands_alone(source: tuple[int, str], collector: LocalCollector, tmp_path: Path) -> None:
    """Each Python block of the guides runs without the others."""
    run_blocks([source], collector, tmp_path)
    assert collector.problems == []


def test_first_block_of_the_readme_is_short_and_delivers(collector: LocalCollector, tmp_path: Path) -> None:
    """The README's first block has at most 12 lines of code, and its handler's events arrive before it returns."""
    start, source = blocks(README, "python")[0]
    assert len([line for line in source.splitlines() if line.strip()]) <= 12
    call = "\nfrom formo_lambda.testing import FakeLambdaContext\nhandler({}, FakeLambdaContext())\nos._exit(0)\n"
    run_blocks([(start, source), (start, f"import os{call}")], collector, tmp_path)
    assert collector.events
    assert collector.problems == []


def test_every_command_of_the_readme_is_known() -> None:
    """The README's commands are targets of make, an install of this distribution, and a variable that it reads."""
    commands = [line.partition("  #")[0] for _, block in blocks(README, "shell") for line in block.splitlines()]
    known = re.compile(r'make [a-z-]+|pip install formo-lambda|export FORMO_WRITE_KEY="<YOUR_WRITE_KEY>"')
    assert len(commands) > 3
    assert [command for command in commands if not known.fullmatch(command.strip())] == []


@pytest.mark.skipif(sys.platform == "win32", reason="make is not there")
@pytest.mark.parametrize("page", [README, GUIDES, CONTRIBUTING], ids=name_of)
def test_every_target_of_make_is_there(page: Path) -> None:
    """Each target of make that a page names exists."""
    targets = make_targets(page)
    assert targets
    for target in targets:
        run = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr


def test_the_readme_is_short() -> None:
    """The README has at most 250 lines."""
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 250


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_into_the_project_finds_its_target(page: Path) -> None:
    """Each link to the project's repository, or relative to the page, names a file and a heading that exist."""
    for link in links(page):
        target, _, anchor = link.partition("#")
        if REPOSITORY.match(target):
            path = ROOT / REPOSITORY.sub("", target)
        elif "://" in target:
            continue
        else:
            path = page.parent / target if target else page
        assert path.exists(), link
        assert not anchor or anchor in anchors(path), link


def test_the_readme_links_from_anywhere() -> None:
    """The README's links are absolute, so that they also work where only the README is shown."""
    assert [link for link in links(README) if not link.startswith("https://")] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    """Each file and folder that a page names between backticks exists."""
    assert [path for path in paths(page) if not (ROOT / path).exists()] == []


def test_the_readme_has_every_option_with_its_default() -> None:
    """The README's table of options has the client's parameters, in their order, with their defaults."""
    text = README.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (?:`\w+` )?\| `([^`]+)` \|", text, re.MULTILINE)
    parameters = list(inspect.signature(FormoAnalytics).parameters.values())
    expected = [(parameter.name, parameter.default) for parameter in parameters]
    assert [(name, eval(default)) for name, default in rows] == expected  # ours, so it is safe to evaluate


@pytest.mark.parametrize("name", list(inspect.signature(FormoAnalytics).parameters))
def test_the_range_of_an_option_is_the_same_everywhere(name: str) -> None:
    """Where the client's docstring gives the range of an option, the README gives the same."""
    described = re.search(rf"^ +{name}: (.+(?:\n {{12,}}.+)*)", inspect.getdoc(FormoAnalytics) or "", re.MULTILINE)
    row = re.search(rf"^\| `{name}` \|.+$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert described
    assert row
    ranges = [re.findall(r"\(([\d. ]+ to [\d. ]+)\)", text.replace("_", " ")) for text in (described[1], row[0])]
    assert ranges[0] == ranges[1]


def test_the_readme_names_every_count_of_a_result() -> None:
    """The README names every field of a FlushResult."""
    text = README.read_text(encoding="utf-8")
    assert [field for field in FlushResult._fields if f"`{field}`" not in text] == []


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


def test_every_test_that_the_promises_name_is_there() -> None:
    """The table of faults names tests, and each of them exists."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PROMISES.read_text(encoding="utf-8"))
    assert len(named) > 10
    assert [(path, test) for path, test in named if f"def {test}(" not in (ROOT / path).read_text("utf-8")] == []
