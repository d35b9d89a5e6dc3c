"""Whoever waits for a delivery has it back by the deadline, whatever holds the delivery up."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.promises.bounds import DRIP, NAME, ROOM, Gate, all_ended, programs
from tests.promises.faults import behaviours
from tests.promises.faults.fault_server import FaultServer
from tests.transport.peer import Peer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

    from tests.promises.exits.process import Ended

HELD_UP = ["transport", "callback", "name", "proxy", "handshake", "together"]
#: The calls that return, each with how many waits the program writes down for one client.
CALLS = {"flush": 1, "handler": 2, "async_handler": 2, "aflush": 1, "in_signal": 2}
#: Seconds that the end of a process may take for delivery.
EXIT_BUDGET = 2.0


@pytest.fixture(scope="module")
def outcomes() -> Iterator[Callable[[str], Mapping[str, Ended]]]:
    """Tells how the programs of one way ended, by what held them up. They run side by side: they do little but wait."""
    known: dict[str, Mapping[str, Ended]] = {}

    def drip_handshake(sock: socket.socket) -> None:
        # The head of a record of TLS 1.2 that announces 4 096 bytes.
        for byte in b"\x16\x03\x03\x10\x00" + bytes(4096):
            sock.send(bytes([byte]))
            if dripping.over.wait(DRIP):
                return

    with FaultServer() as refusing, Peer(drip_handshake) as dripping, Gate(0, "drip") as proxy:
        refusing.switch(behaviours.status(400))
        environ = {
            "HELD_REFUSING": refusing.url,
            "HELD_NAME": f"http://localhost:{refusing.port}",
            "HELD_PROXIED": f"https://{NAME}",
            "HELD_TLS": f"https://127.0.0.1:{dripping.address[1]}",
            "https_proxy": f"http://127.0.0.1:{proxy.address[1]}",
            "no_proxy": "127.0.0.1",
        }

        def run(way: str) -> Mapping[str, Ended]:
            if way not in known:
                known[way] = _run_side_by_side(way, environ)
            return known[way]

        yield run


def _run_side_by_side(way: str, environ: Mapping[str, str]) -> Mapping[str, Ended]:
    arguments = [(held_up, way) for held_up in HELD_UP]
    with programs("held", arguments, url="http://127.0.0.1:9", environ=environ) as processes:
        if way == "on_sigterm":
            time.sleep(0.3)  # until each is in its flush
        for process in processes:
            if way == "on_sigterm":
                process.send(signal.SIGTERM)
            else:
                process.go()
        return dict(zip(HELD_UP, all_ended(processes), strict=True))


@pytest.mark.parametrize("held_up", HELD_UP)
@pytest.mark.parametrize("way", list(CALLS))
def test_a_call_returns_by_its_deadline(outcomes: Callable[[str], Mapping[str, Ended]], way: str, held_up: str) -> None:
    """It takes what it was given and a little room, also on top of a flush that a signal has interrupted."""
    ended = outcomes(way)[held_up]
    assert ended.status == 0, ended.errors
    waits = [json.loads(line) for line in ended.lines]
    assert len(waits) >= CALLS[way]
    assert [wait for wait in waits if wait[1] > wait[2] + ROOM] == []


@pytest.mark.parametrize("held_up", HELD_UP)
def test_a_process_ends_by_its_deadline(outcomes: Callable[[str], Mapping[str, Ended]], held_up: str) -> None:
    """At exit, and a flush in an exit callback of the host's that comes first has its own time and no more."""
    ended = outcomes("at_exit")[held_up]
    assert ended.status == 0, ended.errors
    (wait,) = [json.loads(line) for line in ended.lines]
    assert wait[1] < wait[2] + ROOM
    assert ended.seconds < wait[2] + EXIT_BUDGET + ROOM


@pytest.mark.parametrize("held_up", HELD_UP)
def test_a_process_dies_of_sigterm_by_its_deadline(
    outcomes: Callable[[str], Mapping[str, Ended]], held_up: str
) -> None:
    """On top of a flush of half a minute, SIGTERM takes what an exit may take."""
    ended = outcomes("on_sigterm")[held_up]
    assert ended.status == -signal.SIGTERM, ended.errors
    assert ended.seconds < EXIT_BUDGET + ROOM
