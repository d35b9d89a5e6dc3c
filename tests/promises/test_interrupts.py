"""Signals in the middle of delivery: what a handler raises passes, what it tracks arrives, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.testing import LocalCollector
from tests.promises.bounds import ROOM, all_ended, programs
from tests.promises.faults import behaviours
from tests.promises.faults.fault_server import FaultServer
from tests.promises.faults.waiting import wait_until
from tests.promises.signals import raising, sent_after
from tests.promises.stress import two_others_open

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds that the end of a process may take for delivery.
EXIT_BUDGET = 2.0


class Stop(BaseException):
    """What the host's signal handler raises."""


def _flush(client: FormoAnalytics) -> None:
    client.flush(10.0)


def _close(client: FormoAnalytics) -> None:
    client.close(10.0)


def _aflush(client: FormoAnalytics) -> None:
    asyncio.run(client.aflush(10.0))


def _invocation(client: FormoAnalytics) -> None:
    with client.invocation(timeout=10.0):
        client.track("Scoped")


def _handler(client: FormoAnalytics) -> None:
    formo_flush(timeout=10.0)(lambda event, context: client.track("Scoped"))({}, None)


@pytest.mark.parametrize("way", [_flush, _close, _aflush, _invocation, _handler])
@pytest.mark.parametrize("error", [Stop(), KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_what_a_signal_raises_while_an_answer_is_awaited_passes_and_loses_nothing(
    way: Callable[[FormoAnalytics], None], error: BaseException
) -> None:
    """The very exception reaches the caller at once; the next flush sends what was waited for, and counts it once."""
    with FaultServer() as server:
        server.switch(behaviours.never_answers)
        client = FormoAnalytics("key", api_host=server.url, handle_signals=False)
        for _ in range(5):
            client.track("Interrupted")
        began = time.monotonic()
        with sent_after(0.2, raising(error)), pytest.raises(type(error)) as raised:
            way(client)
        assert raised.value is error
        assert time.monotonic() - began < 0.2 + ROOM
        stats = client.stats
        assert stats.tracked == stats.buffered + stats.retained
        server.lift()
        result = client.flush(5.0)
        assert (result.sent, result.retained, result.undelivered) == (stats.tracked, 0, 0)
        assert len(server.ledger.accepted()) == client.stats.sent == stats.tracked
        client.close()


@pytest.mark.parametrize("error", [Stop(), KeyboardInterrupt()], ids=repr)
def test_flushes_on_other_threads_go_on_when_one_is_interrupted(error: BaseException) -> None:
    """Four threads wait for the same slow server: theirs arrive, and those of the interrupted one with the next."""
    with FaultServer() as server:
        server.switch(behaviours.slow(0.5))
        client = FormoAnalytics("key", api_host=server.url, handle_signals=False)
        missing: list[str] = []

        @formo_flush(timeout=10.0)
        def handler(event: object, context: object) -> str:
            return client.track("Beside")

        def invoke() -> None:
            mine = handler({}, None)
            if mine not in server.ledger.accepted():
                missing.append(mine)

        threads = [threading.Thread(target=invoke) for _ in range(4)]
        for thread in threads:
            thread.start()
        # Where one invocation alone is open, this thread would flush for that one.
        with two_others_open(client):
            client.track("Interrupted")
            with sent_after(0.2, raising(error)), pytest.raises(type(error)):
                client.flush(10.0)
            for thread in threads:
                thread.join(10.0)
        assert missing == []
        client.flush(10.0)
        assert len(server.ledger.deduplicated()) == client.stats.sent == 5
        assert client.stats.retained == 0
        client.close()


def test_what_a_signal_raises_at_any_moment_of_a_flush_loses_nothing() -> None:
    """Sixty interrupts at random moments, alone and beside other threads: each event arrives, and has one fate."""
    arguments = [("KeyboardInterrupt", "0"), ("Stop", "0"), ("SystemExit", "2"), ("Stop", "4")]
    with LocalCollector(delay=0.02) as collector, programs("interrupted", arguments, url=collector.url) as processes:
        for process in processes:
            process.go()
        ends = all_ended(processes, 20.0)
    arrived = {event["message_id"] for event in collector.events}
    for ended, argument in zip(ends, arguments, strict=True):
        assert ended.status == 0, (argument, ended.errors)
        seen = json.loads(ended.lines[-1])
        assert seen["passed"] > 20, argument
        assert seen["late"] < ROOM, argument
        missing = set(seen["ids"]) - arrived
        assert not missing, f"{argument}: {len(missing)} events vanished"
        stats = seen["stats"]
        assert stats["tracked"] == stats["sent"] == len(seen["ids"]), argument
    assert collector.problems == []


def test_a_signal_handler_may_track_and_flush_at_any_moment() -> None:
    """On top of whatever call of ours, every 1 to 5 ms: nothing blocks, and everything arrives."""
    arguments = [("track", "0.002"), ("track flush", "0.001"), ("track flush stats scope", "0.005")]
    with LocalCollector() as collector, programs("tracked_in_signals", arguments, url=collector.url) as processes:
        for process in processes:
            process.go()
        ends = all_ended(processes)
    arrived = {event["message_id"] for event in collector.events}
    for ended, argument in zip(ends, arguments, strict=True):
        assert ended.status == 0, (argument, ended.errors)
        seen = json.loads(ended.lines[-1])
        assert seen["signals"] > 20, argument
        missing = set(seen["ids"]) - arrived
        assert not missing, f"{argument}: {len(missing)} of {len(seen['ids'])} events vanished"
        stats = seen["stats"]
        assert stats["tracked"] == stats["sent"] == len(seen["ids"]), argument
        assert seen["ok"], argument
    assert collector.problems == []


@pytest.mark.parametrize("signals", [1, 2, 5])
def test_further_sigterms_do_not_send_everything_again_and_again(signals: int) -> None:
    """Each may take over what the one before it waited for, once; the process ends on time, and all arrives."""
    with (
        LocalCollector(delay=0.6) as collector,
        programs("waiting", [()], url=collector.url) as (process,),
    ):
        wait_until(lambda: len(collector.requests) > 0)
        for number in range(signals):
            if number:
                time.sleep(0.05)
            process.send(signal.SIGTERM)
        (ended,) = all_ended([process])
    assert ended.status == -signal.SIGTERM, ended.errors
    assert ended.seconds < EXIT_BUDGET + ROOM
    assert len(collector.unique_events) == 45
    assert len(collector.requests) <= 1 + signals
