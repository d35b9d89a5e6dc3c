"""However a process ends, what was queued is delivered, and it ends as it would have without us."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING

import pytest

from formo_lambda.testing import LocalCollector
from tests.promises.exits.process import Control, Process
from tests.transport.peer import Peer

if TYPE_CHECKING:
    from formo_lambda.testing import Inbox

#: What the program does, the signal that it is sent instead of going on, and the status that is to be expected.
WAYS = {
    "end": ("end", None, 0),
    "sys.exit": ("sys.exit", None, 3),
    "exception": ("exception", None, 1),
    "SIGINT": ("waiting", signal.SIGINT, -signal.SIGINT),
    "SIGTERM": ("waiting", signal.SIGTERM, -signal.SIGTERM),
    "SIGTERM while a thread of the host's is blocked": ("blocked thread", signal.SIGTERM, -signal.SIGTERM),
    "SIGTERM while the main thread joins another": ("joining", signal.SIGTERM, -signal.SIGTERM),
    "multiprocessing fork": ("fork", None, 0),
    "multiprocessing spawn": ("spawn", None, 0),
    "multiprocessing forkserver": ("forkserver", None, 0),
}


def start(way: str, url: str, **environ: str) -> Process:
    """Start a process that will end in this way."""
    return Process("ways", WAYS[way][0], url=url, environ=environ)


def end(way: str, process: Process) -> None:
    """Have it end, once it is ready."""
    number = WAYS[way][1]
    if number is None:
        process.go()
    else:
        process.wait_idle().send(number)


def check_arrived(inbox: Inbox) -> None:
    """All of the events are there, each once and well-formed."""
    assert sorted(event["properties"]["number"] for event in inbox.events) == list(range(45))
    assert inbox.problems == []


@pytest.mark.parametrize("way", list(WAYS))
def test_everything_arrives_and_the_status_is_the_same(way: str) -> None:
    """45 queued events arrive, once each; the exit status is that of the same process with delivery disabled."""
    with LocalCollector() as collector:
        # Side by side, to halve the time.
        process, control = start(way, collector.url), start(way, collector.url, FORMO_DISABLED="1")
        end(way, process)
        end(way, control)
        ended, without = process.ended(), control.ended()
        assert ended.status == without.status == WAYS[way][2]
        check_arrived(collector)
    # What it says on the way out is what it would have said: a traceback or nothing.
    assert ended.errors.splitlines()[-1:] == without.errors.splitlines()[-1:]


@pytest.mark.parametrize("fault", ["refuses", "hangs"])
def test_a_dead_server_does_not_hold_the_exit(fault: str) -> None:
    """With nobody to deliver to, every way out takes its time and no more, and has the same status."""

    def hang(connection: socket.socket) -> None:
        while connection.recv(100_000):
            pass

    with Peer(hang) as peer, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = peer.url if fault == "hangs" else f"http://127.0.0.1:{unused.getsockname()[1]}"
        # All at once: they do little but wait. Not forkserver, which is spawn as far as the exit goes.
        processes = {way: start(way, url) for way in WAYS if way != "multiprocessing forkserver"}
        for process in processes.values():
            process.wait_ready()
        control = Control()
        for way, process in processes.items():
            end(way, process)
        limit = control.go().limit()
        for way, process in processes.items():
            ended = process.ended()
            assert ended.status == WAYS[way][2], way
            # Another interpreter takes its time to start: of a child, what counts begins when it has queued.
            assert (ended.silent if "multiprocessing" in way else ended.seconds) < limit, way
