"""Track three events that will be given up, and end in the way that the argument names; each hand-over takes 0.2 s."""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import time
from typing import Any

from formo_lambda import FormoAnalytics


def hand_over(events: list[dict[str, Any]], error: Exception) -> None:
    """Write the numbers of the events down, after a while."""
    time.sleep(0.2)
    print("handed", json.dumps([event["properties"]["number"] for event in events]), flush=True)


def track() -> None:
    """Track the events, each refused for its name by a server that does so."""
    for number in range(3):
        analytics.track("Bad", properties={"number": number})


analytics = FormoAnalytics(on_undelivered=hand_over)
way = sys.argv[1]
if way == "late":
    # Before the client's own exit, which was registered earlier.
    atexit.register(track)
else:
    track()
print("ready", flush=True)
sys.stdin.readline()
if way == "sigterm":
    os.kill(os.getpid(), signal.SIGTERM)
