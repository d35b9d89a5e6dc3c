"""An ordinary invocation works on its caller's thread alone, and what needs another does not keep it."""

from __future__ import annotations

import time

import pytest

from formo_lambda.testing import LocalCollector
from tests.promises.bounds import ROOM
from tests.promises.hosted import finish, run, start


@pytest.mark.parametrize("events", [1, 19])
def test_a_warm_invocation_starts_no_thread(events: int) -> None:
    """A thousand invocations on a warm connection start no thread, and none is alive during or after them."""
    with LocalCollector() as collector:
        counted = run("threads", "warm", events, 1_000, url=collector.url, seconds=50.0)
        assert counted == [{"started": 0, "most alive": 0, "alive": 0, "sent": 1_002 * events}]
        assert collector.connections == 1


def test_a_cold_connection_is_opened_while_the_handler_works() -> None:
    """The first event has at most one thread open the connection, which reaches the server before the handler ends."""
    with LocalCollector() as collector, start("threads", "cold", url=collector.url) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == '"working"\n'
            # The handler goes on only when it is told to, so that a busy machine may be slow.
            limit = time.monotonic() + 3.0
            while collector.connections == 0 and time.monotonic() < limit:
                time.sleep(0.005)
            connections = collector.connections
            (counted,) = finish(process)
        finally:
            process.kill()
        assert connections == 1
        assert counted["started"] <= 1
        assert counted["sent"] == 1
        assert collector.connections == 1


@pytest.mark.parametrize("way", ["one after another", "all at once", "in invocations"])
def test_closed_clients_give_everything_back(way: str) -> None:
    """300 clients that were made, used and closed leave neither a thread nor a socket after a second."""
    with LocalCollector() as collector:
        (counted,) = run("threads", "clients", way, url=collector.url, seconds=50.0)
        assert counted["sent"] == len(collector.events) == 300
    assert (counted["alive"], counted["sockets"]) == (0, 0), counted
    assert counted["seconds"] < 1.0 + ROOM


def test_a_client_that_is_dropped_warns_of_nothing() -> None:
    """Its connections are the process's, and go on: no ResourceWarning comes, at the end of the process either."""
    with LocalCollector() as collector:
        assert run("unclosed", url=collector.url) == [9]
        assert len(collector.events) == 10
