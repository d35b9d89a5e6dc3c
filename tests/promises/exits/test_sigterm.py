"""SIGTERM: flushed first, died of it as without us, and never at the expense of a host that handles it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from formo_lambda.testing import LocalCollector
from tests.promises.exits.process import EXIT_SECONDS, Control, Process
from tests.promises.faults.waiting import wait_until
from tests.promises.hosted import SAID
from tests.transport.peer import Peer

if TYPE_CHECKING:
    import socket

    from tests.promises.exits.process import Ended

RUNS = 5


def check_death(process: Process, ended: Ended, collector: LocalCollector) -> None:
    """It died of the signal, in time, and every event that it had written down arrived."""
    assert ended.status == -signal.SIGTERM, ended.errors
    assert ended.seconds < EXIT_SECONDS
    assert ended.errors == ""
    arrived = {event["message_id"] for event in collector.events}
    written = [line for line in process.lines if len(line) == 36]  # the last one may be cut short
    assert len(written) > 0
    assert set(written) <= arrived
    assert collector.problems == []


@pytest.mark.parametrize("calls", ["track", "track flush", "track stats", "track flush stats scope", "track client"])
def test_it_may_come_at_any_moment(calls: str) -> None:
    """Within whatever call of ours the main thread is interrupted: it dies of the signal, and loses nothing."""
    moments = random.Random(calls)  # the same moments in every run
    for _ in range(RUNS):
        with LocalCollector() as collector:
            process = Process("busy", calls, url=collector.url).wait_ready()
            time.sleep(moments.uniform(0.0, 0.2))
            check_death(process, process.send(signal.SIGTERM).ended(), collector)


def test_it_may_come_during_a_flush() -> None:
    """A flush that waits for a slow server is interrupted, and what it waited for still arrives."""
    with LocalCollector(delay=0.3) as collector:
        process = Process("busy", "track flush", url=collector.url).wait_ready()
        wait_until(lambda: len(collector.requests) > 0)
        check_death(process, process.send(signal.SIGTERM).ended(), collector)


def test_a_dead_server_does_not_hold_it() -> None:
    """Wherever it comes, with a server that takes everything and answers nothing."""

    def hang(connection: socket.socket) -> None:
        while connection.recv(100_000):
            pass

    with Peer(hang) as peer:
        processes = [
            Process("busy", calls, url=peer.url) for calls in ("track", "track flush", "track flush stats scope")
        ]
        for process in processes:
            process.wait_ready()
        control = Control()
        for process in processes:
            process.send(signal.SIGTERM)
        limit = control.go().limit()
        for process in processes:
            ended = process.ended()
            assert ended.status == -signal.SIGTERM, ended.errors
            assert ended.seconds < limit


@pytest.mark.parametrize(
    ("host", "handler", "status", "arrived"),
    [
        ("before", "theirs", 5, 20),
        ("after", "theirs", 5, 20),
        ("chained", "chain", 5, 20),
        ("ignored", "SIG_IGN", 0, 20),
        ("not_ours", "SIG_DFL", -signal.SIGTERM, 1),
        ("one_of_two", "_on_sigterm", -signal.SIGTERM, 20),
        ("disabled", "SIG_DFL", -signal.SIGTERM, 0),
    ],
)
def test_the_host_decides(host: str, handler: str, status: int, arrived: int) -> None:
    """A handler that is there is never replaced, one that chains to ours has its say, and one may opt out."""
    with LocalCollector() as collector:
        process = Process("handled", host, url=collector.url)
        ended = process.ended() if host == "ignored" else process.wait_idle().send(signal.SIGTERM).ended()
        assert ended.first == f"kept {handler}"
        assert ended.status == status
        assert len(collector.events) == arrived
        assert ended.lines == (["theirs"] if status == 5 else [])


def may_unshare() -> bool:
    """Whether this machine lets us make a process the first of its namespace."""
    command = shutil.which("unshare")
    return (
        command is not None
        and not subprocess.run([command, "--pid", "--fork", "true"], capture_output=True, check=False).returncode
    )


@pytest.mark.skipif(not may_unshare(), reason="needs `unshare --pid`, which this machine does not permit")
def test_the_first_process_of_a_container_ends_too() -> None:
    """The kernel gives PID 1 no default action, so it exits with 143 once the events are delivered."""
    with LocalCollector() as collector:
        process = Process("first_process", url=collector.url, within=["unshare", "--pid", "--fork"]).wait_ready()
        wait_until(lambda: process.lines == ["1"])
        process.wait_idle()
        (inner,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(inner), signal.SIGTERM)
        ended = process.ended()
        assert ended.status == 128 + signal.SIGTERM
        assert len(collector.events) == 45


@pytest.mark.parametrize("fault", ["none", "hangs"])
def test_an_event_of_the_very_end_is_delivered(fault: str) -> None:
    """What is tracked while the interpreter shuts down leaves, too; a hanging server holds that up within its bound."""

    def hang(connection: socket.socket) -> None:
        while connection.recv(100_000):
            pass

    with LocalCollector() as collector, Peer(hang) as peer:
        control = Control()
        ended = Process("late", url=peer.url if fault == "hangs" else collector.url).ended()
        assert (ended.status, SAID.sub("", ended.errors)) == (0, "")
        assert ended.seconds < control.go().limit()
        assert len(collector.events) == (fault == "none")


def test_it_may_come_while_the_interpreter_shuts_down() -> None:
    """On top of the flush at exit, which newer Pythons do without threads: the process ends in time all the same."""

    def hang(connection: socket.socket) -> None:
        while connection.recv(100_000):
            pass

    with Peer(hang) as peer:
        process = Process("late", url=peer.url).wait_ready()
        control = Control()
        ended = process.send(signal.SIGTERM).ended()
        assert ended.seconds < control.go().limit()
        assert ended.status == -signal.SIGTERM
