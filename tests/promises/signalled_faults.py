"""A fault of the network met by a flush in a signal handler, on top of a flush under way on the same thread.

`python -m tests.promises.signalled_faults NAME BUDGET` does it in a process of its own, and prints the findings.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from formo_lambda import FlushResult, FormoAnalytics
from tests.promises.faults.product import FAULTS
from tests.promises.faults.truth import Case, Expectation

if TYPE_CHECKING:
    from types import FrameType

#: Seconds into the flush underneath at which the signal comes: its request is under way then.
_SIGNAL_AFTER = 0.05
#: Seconds that the flush underneath has beyond the end of the one on top of it.
_LEFT = 0.15


class Findings(NamedTuple):
    """What came of it.

    Attributes:
        inner: Seconds that the flush in the handler took; below zero where no signal came.
        outer: Seconds that the flush underneath took.
        limit: Seconds that the flush underneath was given.
        misses: The promises that were broken, in words; the bounds in time are not among them.
    """

    inner: float
    outer: float
    limit: float
    misses: list[str]


def meet(name: str, budget: float) -> Findings:
    """Flush on top of a flush while the fault lasts, and once more when it is over."""
    fault = FAULTS[name]
    given_up: list[str] = []
    took: list[float] = []
    ids: list[str] = []

    def on_undelivered(events: list[dict[str, Any]], _: Exception) -> None:
        given_up.extend(str(event["message_id"]) for event in events)

    with fault.world() as world:
        world.begin()
        client = FormoAnalytics(
            "test-key", api_host=world.api_host, on_undelivered=on_undelivered, handle_signals=False
        )

        def on_signal(number: int, frame: FrameType | None) -> None:
            began = time.monotonic()
            ids.extend(client.track("In Signal") for _ in range(2))
            client.flush(budget)
            took.append(time.monotonic() - began)

        ids.extend(client.track("Underneath") for _ in range(10))
        limit = _SIGNAL_AFTER + budget + _LEFT
        try:
            outer, _ = _interrupted(client, limit, on_signal)
            # The batch that the signal interrupts is sent anew, though the server may have accepted it just then.
            expected = Expectation(fault._replace(duplicates=True), whole=False, patient=False)
            case = Case(expected, world.server.ledger, client, ids, given_up)
            case.while_it_lasts(None)
            world.end()
            case.afterwards(client.flush(5.0))
        finally:
            world.end()
            client.close()
    return Findings(took[0] if took else -1.0, outer, limit, case.misses)


def _interrupted(client: FormoAnalytics, limit: float, on_signal: Any) -> tuple[float, FlushResult]:
    before = signal.signal(signal.SIGUSR1, on_signal)
    # Not an interval timer: the time limit of the test itself may use it.
    timer = threading.Timer(_SIGNAL_AFTER, signal.pthread_kill, [threading.main_thread().ident, signal.SIGUSR1])
    timer.start()
    try:
        began = time.monotonic()
        result = client.flush(limit)
        outer = time.monotonic() - began
        timer.join()
        time.sleep(0.0)  # the handler runs here if the flush was faster than the signal
        return outer, result
    finally:
        signal.signal(signal.SIGUSR1, before)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(meet(sys.argv[1], float(sys.argv[2]))))
