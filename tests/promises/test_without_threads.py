"""Where no thread can be started, or those there were are gone, everything is delivered all the same."""

from __future__ import annotations

import collections
import importlib.util
import json
import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda.testing import LocalCollector
from tests.promises.hosted import run

if TYPE_CHECKING:
    from pathlib import Path

    from formo_lambda.testing import Inbox

VERSION = sys.version_info[:2]
#: What a program with one thread does, and how many events it says that it has sent, each time that it says so.
WAYS = {"decorator": [90], "scopes": [33], "flush": [250], "close": [1, 1], "aflush": [83]}


def names(inbox: Inbox) -> collections.Counter[str]:
    """Count the events that arrived by their names, after a look at each."""
    assert inbox.problems == []
    assert len(inbox.unique_events) == len(inbox.events)
    return collections.Counter(event["event"] for event in inbox.events)


@pytest.mark.parametrize("way", list(WAYS))
def test_no_thread_can_be_started(way: str) -> None:
    """A handler, nested scopes, a flush, a close and an event loop deliver on the one thread there is."""
    with LocalCollector() as collector:
        said = run("one_thread", way, url=collector.url)
        assert said == [{"sent": sent, "retained": 0, "undelivered": 0} for sent in WAYS[way]]
        assert names(collector) == {"Swap": sum(WAYS[way])}


def test_the_exit_delivers_without_threads() -> None:
    """What is buffered at the end of a process that cannot start a thread is delivered."""
    with LocalCollector() as collector:
        assert run("one_thread", "at_exit", url=collector.url) == [{"sent": 0, "retained": 0, "undelivered": 0}]
        assert names(collector) == {"Swap": 45}


def test_retries_without_threads() -> None:
    """A failed attempt is repeated by the one thread there is."""
    with LocalCollector() as collector:
        collector.respond_with(503, ConnectionResetError(), 200)
        assert run("one_thread", "retries", url=collector.url) == [{"sent": 5, "retained": 0, "undelivered": 0}]
        assert names(collector) == {"Swap": 5}


def test_a_callback_without_threads() -> None:
    """`on_undelivered` is given what the server refuses before the flush has returned."""
    with LocalCollector() as collector:
        collector.respond_with(401)
        said = run("one_thread", "refused", url=collector.url)
        assert said == [{"sent": 0, "retained": 0, "undelivered": 3}, ["Refused"] * 3]


def test_a_transport_of_the_users_own_without_threads() -> None:
    """It is called by the one thread there is."""
    assert run("one_thread", "own_transport", url="http://127.0.0.1:9") == [{"sent": 45, "arrived": 45}]


def test_deadlines_without_threads() -> None:
    """A server that never answers holds nobody for longer than the budget, and the exit for its two seconds."""
    with LocalCollector(delay=30.0) as collector:
        began = time.monotonic()
        took, total = run("one_thread", "silent", url=collector.url)
        assert time.monotonic() - began < 8.0
        # The budget is 0.3 s.
        assert {way: seconds for way, seconds in took.items() if seconds > 1.0} == {}
        assert total == {"sent": 0, "retained": 26, "undelivered": 0}


@pytest.mark.skipif(
    VERSION == (3, 12) and importlib.util.find_spec("_testcapi") is None,
    reason="this build of Python 3.12 has no way to make such an interpreter",
)
def test_a_subinterpreter_that_forbids_daemon_threads(tmp_path: Path) -> None:
    """A handler, nested scopes, a flush and the interpreter's end deliver in it."""
    report = tmp_path / "report.json"
    with LocalCollector() as collector:
        said = run("subinterpreter", report, url=collector.url)
        assert json.loads(report.read_text()) == {"refused": True, "sent": 47, "flushed": 1}
        assert said == []
        assert names(collector) == {"Handled": 45, "Nested": 1, "Flushed": 1, "At Exit": 1}


@pytest.mark.parametrize("earlier", [[], ["flushed"]], ids=["cold", "warm"])
@pytest.mark.parametrize("moment", ["before our callback", "after our callback"])
def test_an_exit_callback(moment: str, earlier: list[str]) -> None:
    """A handler and a flush deliver from callbacks before ours; after ours, each event is sent when it is tracked."""
    with LocalCollector() as collector:
        # A handler of 25 events, and a flush of one.
        expected = {**({"Early": 26} if earlier else {}), "Late": 26}
        late = [26, 0 if moment == "after our callback" else 1, 0]
        assert run("late_flush", moment, *earlier, url=collector.url) == [[26, 1, 0]] * (len(expected) - 1) + [late]
        assert names(collector) == expected


@pytest.mark.parametrize("earlier", [[], ["flushed"]], ids=["cold", "warm"])
def test_the_modules_go(earlier: list[str]) -> None:
    """After the last callback nothing can be imported, and no thread runs: a flush ends in time and tells the truth."""
    # Earlier Pythons do start a thread then, and never let it run.
    with LocalCollector() as collector:
        began = time.monotonic()
        *_, (sent, _, buffered) = run("late_flush", "after all callbacks", *earlier, url=collector.url)
        # The handler's two seconds, and the flush's.
        assert time.monotonic() - began < 8.0
        assert buffered == 0
        arrived = {event["message_id"] for event in collector.events if event["event"] == "Late"}
        assert sent <= len(arrived)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
@pytest.mark.parametrize("library", ["PyDLL", "CDLL"])
@pytest.mark.parametrize(("earlier", "parents"), [("nothing", 2), ("tracked", 4), ("flushed", 4), ("pending", 6)])
def test_a_fork_without_hooks(earlier: str, parents: int, library: str) -> None:
    """A child that C code has forked delivers its own events and not its parent's, which the parent delivers."""
    with LocalCollector() as collector:
        child, parent, end = run("bare_fork", earlier, library, url=collector.url)
        assert end == {"child ended": 0}
        assert child == {"in": "child", "ok": True, "flushed": 1, "sent": 3}
        assert parent == {"in": "parent", "ok": True, "flushed": 1, "sent": parents}
        assert names(collector) == {"Parent": parents, "Child": 3}
        for request in collector.requests:
            assert len({event["event"] for event in request.events}) == 1
