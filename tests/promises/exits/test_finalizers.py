"""What is tracked when the interpreter is so far gone that nothing can be imported, and no other thread runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from formo_lambda.testing import LocalCollector
from tests.promises.exits.process import run
from tests.transport.peer import Peer

if TYPE_CHECKING:
    import socket


@pytest.mark.parametrize("how", ["__del__", "weakref callback"])
@pytest.mark.parametrize("fault", ["none", "hangs"])
def test_a_finalizer_does_not_wait(how: str, fault: str) -> None:
    """`track()` returns at once, and says that the events are lost."""

    def hang(connection: socket.socket) -> None:
        while connection.recv(100_000):
            pass

    with LocalCollector() as collector, Peer(hang) as peer:
        ended = run("finalizers", how, url=peer.url if fault == "hangs" else collector.url)
        assert ended.status == 0
        (said,) = ended.lines
        finalizing, seconds = said.split()
        assert finalizing == "True"
        assert float(seconds) < 0.5
        assert "Traceback" not in ended.errors
        lost = [int(line.split()[0]) for line in ended.errors.splitlines() if "lost: the process ended" in line]
        assert sum(lost) == 30 + (fault == "hangs")
        assert [event["event"] for event in collector.events] == ([] if fault == "hangs" else ["Early"])
