"""Clocks that are frozen, set, or jump: no wait and no pause is decided by them beyond one wrong guess."""

from __future__ import annotations

import asyncio
import datetime as dt
import subprocess
import sys
import textwrap
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.delivery import breaker
from formo_lambda.testing import FakeLambdaContext, LocalCollector
from formo_lambda.transport import pool
from tests.package.project import ROOT
from tests.promises.bounds import ROOM
from tests.promises.faults import behaviours
from tests.promises.faults.fault_server import FaultServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

freezegun = pytest.importorskip("freezegun", reason="a tool of development")
time_machine = pytest.importorskip("time_machine", reason="a tool of development")

Clock = AbstractContextManager[Any]

THEN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)

#: What may be done to the clocks of a process. freezegun freezes the monotonic ones, too.
CLOCKS: dict[str, Callable[[], Clock]] = {
    "frozen with the monotonic ones": lambda: freezegun.freeze_time(THEN),
    "an hour later at each look": lambda: freezegun.freeze_time(THEN, auto_tick_seconds=3600),
    "frozen": lambda: time_machine.travel(THEN, tick=False),
    "set forward": lambda: time_machine.travel(dt.datetime.now(dt.timezone.utc) + DAY),
    "set back": lambda: time_machine.travel(dt.datetime.now(dt.timezone.utc) - DAY),
}


def seconds() -> float:
    """Return the seconds of a clock that nobody has changed."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server that can be told how to behave."""
    with FaultServer() as running:
        yield running


@pytest.fixture
def client(server: FaultServer) -> Iterator[FormoAnalytics]:
    """A client of the server, which has little time."""
    made = FormoAnalytics("test-key", api_host=server.url, handle_signals=False, flush_timeout=0.5)
    yield made
    server.lift()
    made.close(5.0)


def _invoke(client: FormoAnalytics) -> None:
    with client.invocation():
        client.track("Invoked")


def _flush(client: FormoAnalytics) -> None:
    client.track("Flushed")
    client.flush()


def _aflush(client: FormoAnalytics) -> None:
    client.track("Flushed")
    asyncio.run(client.aflush())


@pytest.mark.parametrize("way", [_invoke, _flush, _aflush])
@pytest.mark.parametrize("clock", CLOCKS)
def test_a_flush_ends(
    server: FaultServer, client: FormoAnalytics, clock: str, way: Callable[[FormoAnalytics], None]
) -> None:
    """It waits for a server that never answers as long as it may, and no longer; the events are kept."""
    server.switch(behaviours.never_answers)
    with CLOCKS[clock]():
        began = seconds()
        way(client)
        took = seconds() - began
    assert 0.4 < took < 0.5 + ROOM
    assert client.stats.retained == 1
    server.lift()
    assert client.flush(5.0).sent == 1


@pytest.mark.parametrize("way", [_invoke, _flush, _aflush])
@pytest.mark.parametrize("clock", CLOCKS)
def test_events_are_delivered(
    server: FaultServer, client: FormoAnalytics, clock: str, way: Callable[[FormoAnalytics], None]
) -> None:
    """Whatever the clocks say, before, while and after they do."""
    for _ in range(2):
        way(client)
        with CLOCKS[clock]():
            way(client)
            way(client)
    way(client)
    assert client.stats.sent == len(server.ledger.accepted()) == 7


def test_an_event_has_the_time_that_was_set() -> None:
    """The wall clock tells when something happened: whoever freezes it, finds that time in the event."""
    with LocalCollector() as collector, freezegun.freeze_time(THEN):
        client = FormoAnalytics("test-key", api_host=collector.url, handle_signals=False)
        client.track("Now")
        client.track("Then", timestamp=dt.datetime.now(dt.timezone.utc))
        assert client.close().sent == 2
    assert {event["original_timestamp"] for event in collector.events} == {"2026-01-02T03:04:05.000Z"}
    assert collector.problems == []


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_breaker_closes_in_time(
    server: FaultServer, client: FormoAnalytics, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    """A server that is well again is found to be, once the pause is over by a clock that nobody touched."""
    monkeypatch.setattr(breaker, "BREAKER_PAUSE", 0.3)
    server.switch(behaviours.resets_before_reading)
    _invoke(client)
    assert client.stats.retained == 1
    with CLOCKS[clock]():
        server.lift()
        time.sleep(0.4)
        _invoke(client)
        assert client.flush(5.0).ok
    assert client.stats.sent == 2


def test_a_freeze_counts_for_the_breaker(server: FaultServer, client: FormoAnalytics) -> None:
    """A process that was frozen for longer than the pause, without its monotonic clock, asks the server at once."""
    server.switch(behaviours.resets_before_reading)
    _invoke(client)
    server.lift()
    with time_machine.travel(dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=8)):
        _invoke(client)
    assert (client.stats.sent, client.stats.retained) == (2, 0)


def test_a_clock_set_forward_costs_one_request(server: FaultServer, client: FormoAnalytics) -> None:
    """The pause seems to be over: a server that is still down is asked once, and then left alone for longer."""
    server.switch(behaviours.resets_before_reading)
    _invoke(client)
    with time_machine.travel(dt.datetime.now(dt.timezone.utc) + DAY):
        before = client.stats.requests
        for _ in range(5):
            _invoke(client)
        assert client.stats.requests - before == 1
    assert client.stats.retained == 6


@pytest.mark.parametrize("clock", ["frozen with the monotonic ones", "frozen", "set back"])
def test_an_old_connection_is_not_used_again(
    server: FaultServer, client: FormoAnalytics, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    """How long it was idle the monotonic clock tells, too."""
    monkeypatch.setattr(pool, "CONNECTION_IDLE_MAX", 0.3)
    with CLOCKS[clock]():
        _invoke(client)
        before = server.ledger.connections
        time.sleep(0.4)
        _invoke(client)
        assert server.ledger.connections == before + 1
    assert client.stats.sent == 2


@pytest.mark.parametrize("clock", ["set forward", "set back"])
def test_a_clock_that_is_set_costs_one_connection(server: FaultServer, client: FormoAnalytics, clock: str) -> None:
    """It may make a connection seem old, and the next one is used again."""
    _invoke(client)
    with CLOCKS[clock]():
        for _ in range(5):
            _invoke(client)
    assert client.stats.sent == 6
    assert server.ledger.connections <= 2


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_handlers_time_runs_down(server: FaultServer, client: FormoAnalytics, clock: str) -> None:
    """The imitation of a Lambda context, made before or after the change, leaves the flush the time it says."""

    @formo_flush
    def handler(event: object, context: object) -> None:
        client.track("Handled")

    before = FakeLambdaContext(remaining_ms=2_000)
    with CLOCKS[clock]():
        handler({}, before)
        handler({}, FakeLambdaContext(remaining_ms=2_000))
        assert client.stats.sent == 2
        time.sleep(0.3)
        assert before.get_remaining_time_in_millis() <= 1_700


def test_the_package_may_be_imported_while_the_time_is_frozen() -> None:
    """It goes on when the time does: nothing that it keeps belongs to the freeze."""
    program = textwrap.dedent(
        """
        from freezegun import freeze_time

        with freeze_time("2026-01-02"):
            from formo_lambda import FormoAnalytics

            client = FormoAnalytics("test-key")
            client.track("Frozen")
            assert client.flush().sent == 1
        client.track("Free")
        assert client.close().sent == 1
        """
    )
    with LocalCollector() as collector:
        environ = {"FORMO_EVENTS_BASE_URL": collector.url, "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(
            [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=30.0, check=False
        )
        assert ended.returncode == 0, ended.stderr
        assert len(collector.events) == 2
