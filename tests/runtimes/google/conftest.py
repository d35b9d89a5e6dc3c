"""Functions of Google's, and the ingest server that they send to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from formo_lambda.testing import LocalCollector
from tests.runtimes.environments import interpreter
from tests.runtimes.google.service import CloudRunInstance

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = Path(__file__).parent / "functions"
KEY = "a-write-key"


class Deploy(Protocol):
    """**Protocol:** starts one instance of a function."""

    def __call__(
        self, source: str, target: str, *, signature: str = "http", version: str = "3.13", **variables: str
    ) -> CloudRunInstance:
        """Return the running instance.

        Args:
            source: The module among the functions of the tests.
            target: The name of the function.
            signature: How the framework calls it, where no decorator of the framework says so.
            version: The version of Python.
            variables: The function's environment variables.
        """
        ...


@pytest.fixture(scope="module")
def ingest() -> Iterator[LocalCollector]:
    """An ingest server for all tests of a module."""
    with LocalCollector(write_key=KEY) as collector:
        yield collector


@pytest.fixture
def collector(ingest: LocalCollector) -> LocalCollector:
    """The ingest server, empty and well; it takes 30 ms for an answer, so that what leaves late is seen to be late."""
    ingest.clear()
    ingest.respond_with()
    ingest.delay = 0.03
    return ingest


def launch(
    ingest: LocalCollector, source: str, target: str, signature: str, version: str, variables: dict[str, str]
) -> CloudRunInstance:
    """Start an instance that sends to the ingest server."""
    environment = {"FORMO_WRITE_KEY": KEY, "FORMO_EVENTS_BASE_URL": ingest.url, **variables}
    instance = CloudRunInstance(
        interpreter("google", version),
        FUNCTIONS / f"{source}.py",
        target,
        signature=signature,
        environment=environment,
    )
    instance.start()
    return instance


@pytest.fixture
def deploy(ingest: LocalCollector) -> Iterator[Deploy]:
    """Starts instances, and ends them after the test."""
    running: list[CloudRunInstance] = []

    def start(
        source: str, target: str, *, signature: str = "http", version: str = "3.13", **variables: str
    ) -> CloudRunInstance:
        running.append(launch(ingest, source, target, signature, version, variables))
        return running[-1]

    yield start
    for instance in running:
        instance.close()


@pytest.fixture(scope="module")
def deployed(ingest: LocalCollector) -> Iterator[Deploy]:
    """Starts each instance once for all tests of a module."""
    running: dict[tuple[object, ...], CloudRunInstance] = {}

    def start(
        source: str, target: str, *, signature: str = "http", version: str = "3.13", **variables: str
    ) -> CloudRunInstance:
        key = (source, target, signature, version, *variables.items())
        if key not in running:
            running[key] = launch(ingest, source, target, signature, version, variables)
        return running[key]

    yield start
    for instance in running.values():
        instance.close()
