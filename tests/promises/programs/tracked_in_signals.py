"""Call into the client in a tight loop, and from a signal handler on top of it every few milliseconds.

The arguments: the calls of the loop, and the seconds between two signals.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import TYPE_CHECKING

from formo_lambda import FormoAnalytics

if TYPE_CHECKING:
    from types import FrameType

_SECONDS = 1.5


def main(calls: str, every: float) -> None:
    """Loop, then stop the signals and flush."""
    client = FormoAnalytics(flush_at=20, handle_signals=False)
    ids: list[str] = []
    signals = 0
    inside = False

    def on_alarm(number: int, frame: FrameType | None) -> None:
        nonlocal signals, inside
        if inside:
            return
        inside = True
        signals += 1
        ids.append(client.track("In Signal"))
        client.flush(1.0)
        inside = False

    signal.signal(signal.SIGALRM, on_alarm)
    print("ready", flush=True)
    sys.stdin.readline()
    end = time.monotonic() + _SECONDS
    signal.setitimer(signal.ITIMER_REAL, every, every)
    number = 0
    while time.monotonic() < end:
        number += 1
        if "scope" in calls and number % 4 == 0:
            with client.invocation():
                ids.append(client.track("Scoped"))
        else:
            ids.append(client.track("Tight"))
        if "flush" in calls and number % 5 == 0:
            client.flush(1.0)
        if "stats" in calls:
            assert client.stats.tracked >= number
        if calls == "track" and number % 100 == 0:
            time.sleep(0.01)  # so that the server is not what this test waits for
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    result = client.flush(5.0)
    print(json.dumps({"ids": ids, "signals": signals, "ok": result.ok, "stats": client.stats._asdict()}), flush=True)


main(sys.argv[1], float(sys.argv[2]))
