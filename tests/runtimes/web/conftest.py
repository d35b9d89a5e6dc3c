"""Applications of the tests under real servers, each started once for all tests."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import pytest

from formo_lambda.testing import LocalCollector
from tests.runtimes.environments import interpreter
from tests.runtimes.web.server import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "a-write-key"

_numbers = itertools.count(1)


class Site(NamedTuple):
    """A running application, and where its events arrive."""

    server: WebServer
    collector: LocalCollector
    #: Names the events of the test.
    name: str


@pytest.fixture(scope="module", params=["3.10", "3.13"])
def python(request: pytest.FixtureRequest) -> Path:
    """The interpreter that has servers and frameworks: the oldest and the newest."""
    return interpreter("web", request.param)


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, python: Path) -> Iterator[tuple[WebServer, LocalCollector]]:
    """A server with an application, both named by the test, and an ingest server that takes a while to answer."""
    server, application = request.param
    # So that whoever does not wait for the answer is found out.
    with LocalCollector(write_key=KEY, delay=0.1) as collector:
        environment = {"FORMO_WRITE_KEY": KEY, "FORMO_EVENTS_BASE_URL": collector.url}
        with WebServer(python, server, application, environment) as web_server:
            yield web_server, collector


@pytest.fixture
def site(running: tuple[WebServer, LocalCollector]) -> Iterator[Site]:
    """The application, with nothing arrived yet."""
    server, collector = running
    collector.clear()
    yield Site(server, collector, f"test-{next(_numbers)}")
    assert collector.problems == []
