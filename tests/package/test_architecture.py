"""Imports inside the package point one way, and no module is a drawer."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.package.project import PACKAGE, module_name

if TYPE_CHECKING:
    from pathlib import Path

NAME = PACKAGE.name

#: The parts of the package (modules and folders right below it; "" is the package itself) by level, lowest first.
#: A part imports from the levels below its own, and from nothing beside or above it.
LEVELS: list[set[str]] = [
    {"clock", "constants", "errors", "forks", "lazy", "signals"},
    {"threads", "types"},
    {"options", "results"},
    {"events"},
    {"context", "event_methods", "transport"},
    {"debug"},
    {"delivery"},
    {"invocation"},
    {"process"},
    {"client"},
    {"handlers"},
    {"asgi", "wsgi"},
    {"decorator"},
    {"", "testing"},
]
MAY_IMPORT = {part: set[str]().union(*LEVELS[:height]) for height, level in enumerate(LEVELS) for part in level}
#: Platforms stand beside the events' path: they know errors and options, and only from the client on are they known.
MAY_IMPORT["platforms"] = {"constants", "errors", "options", "signals"}
for _level in LEVELS[LEVELS.index({"client"}) :]:
    for _part in _level:
        MAY_IMPORT[_part].add("platforms")

#: The modules of `delivery` by level, likewise.
DELIVERY: list[set[str]] = [
    {"", "breaker", "deadline", "loops", "workers"},
    {"calls", "retry", "tally"},
    {"buffer", "log", "report"},
    {"batch"},
    {"callbacks"},
    {"places"},
    {"queue", "send"},
    {"background"},
    {"flush", "open"},
]

FILES = sorted(PACKAGE.rglob("*.py"))


def part_of(module: str) -> str:
    """Return the part of the package a module belongs to: `formo_lambda.events.build` -> `events`."""
    return module.removeprefix(NAME).lstrip(".").partition(".")[0]


def imports_of(path: Path) -> set[str]:
    """Return the modules of the package a file imports anywhere: at the top, in functions, for types only."""
    modules = {module_name(file) for file in FILES}
    package = module_name(path if path.name == "__init__.py" else path.parent / "__init__.py")
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                origin = ".".join([*above, origin] if origin else above)
            # `from package import name` is an import of the submodule where there is one of that name.
            names = {f"{origin}.{alias.name}" for alias in node.names}
            found |= (names & modules) | ({origin} if names - modules else set())
    return {name for name in found if name == NAME or name.startswith(f"{NAME}.")}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_one_way(path: Path) -> None:
    """A module imports only from its own part and from those below it."""
    part = part_of(module_name(path))
    assert part in MAY_IMPORT, f"{part} has no place in the order of imports yet: give it one in LEVELS"
    wrong = {name for name in imports_of(path) if part_of(name) not in MAY_IMPORT[part] | {part}}
    assert not wrong, f"{path} may not import {', '.join(sorted(wrong))}"


def test_imports_within_delivery_point_one_way() -> None:
    """A module of `delivery` imports only from those below it."""
    below: set[str] = set()
    for level in DELIVERY:
        for name in level:
            path = PACKAGE / "delivery" / f"{name or '__init__'}.py"
            inside = {
                part.removeprefix(f"{NAME}.delivery").lstrip(".") for part in imports_of(path) if ".delivery" in part
            }
            assert inside <= below, f"{path} may not import {', '.join(sorted(inside - below))}"
        below |= level
    assert {path.stem.replace("__init__", "") for path in (PACKAGE / "delivery").glob("*.py")} == below


def test_nothing_imports_the_package_root() -> None:
    """Only users import from `formo_lambda` itself; its modules name the module that defines what they need."""
    assert not [str(path) for path in FILES if NAME in imports_of(path)]


def test_no_two_modules_import_each_other() -> None:
    """The imports form no circle, not even through functions or type checking."""
    graph = {module_name(path): imports_of(path) for path in FILES}
    while leaves := {name for name, needs in graph.items() if not needs & graph.keys()}:
        graph = {name: needs for name, needs in graph.items() if name not in leaves}
    assert not graph, f"these modules are in a circle of imports, or need one that is: {', '.join(sorted(graph))}"


def test_no_module_is_a_drawer() -> None:
    """No module has a name that says nothing of its job."""
    drawers = {"base", "common", "helpers", "misc", "utils"}
    assert not [str(path) for path in FILES if path.stem in drawers or path.parent.name in drawers]
