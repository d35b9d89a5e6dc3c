"""A function of the tests in Vercel's runtime, on each Python that Vercel has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from formo_lambda.testing import LocalCollector
from tests.runtimes.environments import interpreter
from tests.runtimes.vercel.runtime import VercelRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FUNCTIONS = Path(__file__).parent / "functions"
KEY = "a-write-key"


@pytest.fixture(params=["3.12", "3.13"])
def python(request: pytest.FixtureRequest) -> Path:
    """The interpreter that has Vercel's runtime."""
    return interpreter("vercel", request.param)


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    """An ingest server that takes a while to answer, so that whoever does not wait for it is found out."""
    with LocalCollector(write_key=KEY, delay=0.1) as collector:
        yield collector


@pytest.fixture
def function(python: Path, collector: LocalCollector) -> Callable[[str, str], VercelRuntime]:
    """Make the runtime of a function of the tests, by its file and the name in it."""

    def make(file: str, variable: str) -> VercelRuntime:
        environment = {"FORMO_WRITE_KEY": KEY, "FORMO_EVENTS_BASE_URL": collector.url}
        return VercelRuntime(python, FUNCTIONS / file, variable, environment=environment)

    return make
