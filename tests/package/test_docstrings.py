"""Every module says its job, and every test its claim."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.package.project import PACKAGE, TESTS, module_name

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", sorted([*PACKAGE.rglob("*.py"), *TESTS.rglob("*.py")]), ids=module_name)
def test_every_module_says_its_job(path: Path) -> None:
    """A module that holds any code starts with a docstring whose first line is a sentence of its own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not tree.body:
        return
    docstring = ast.get_docstring(tree)
    assert docstring
    lines = docstring.splitlines()
    assert lines[0].endswith((".", ":"))
    assert lines[1:2] in ([], [""])


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=module_name)
def test_every_test_states_its_claim(path: Path) -> None:
    """A test's docstring is one sentence."""
    silent = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            docstring = ast.get_docstring(node) or ""
            if not docstring.endswith(".") or "\n\n" in docstring:
                silent.append(f"{path}:{node.lineno} {node.name}")
    assert not silent
