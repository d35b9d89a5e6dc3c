"""Have 60 MB of events refused while the callback hangs; tell by how much the process grew, and where they went."""

from __future__ import annotations

import json
import logging
import re
import resource
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from formo_lambda import FormoAnalytics
from formo_lambda.transport.protocol import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

_EVENTS = 12_000


class Refusing:
    """A transport of a server that refuses everything."""

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Refuse."""
        return Response(404)


class Counts(logging.Handler):
    """Adds up the events that log lines say were not handed to the callback: the first number of each such line."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.logged = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Look for the callback's name, and a number."""
        message = record.getMessage()
        number = re.search(r"\d+", message)
        if "on_undelivered" in message and number is not None:
            self.logged += int(number[0])


def resident() -> int:
    """Return the bytes of memory that the process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


class Sink:
    """Hangs until it is let go."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.handed = 0

    def __call__(self, events: list[dict[str, Any]], error: Exception) -> None:
        """Count the events."""
        self.over.wait(60.0)
        self.handed += len(events)


def main() -> None:
    """Flood, let the callback go, and tell."""
    counts = Counts()
    logger = logging.getLogger("formo_lambda")
    logger.addHandler(counts)
    logger.propagate = False
    sink = Sink()
    client = FormoAnalytics("key", transport=Refusing(), on_undelivered=sink, handle_signals=False)
    client.track("Warm")
    client.flush(0.05)
    print("ready", flush=True)
    sys.stdin.readline()
    before = most = resident()
    for number in range(_EVENTS):
        client.track("Flood", properties={"number": number, "padding": "x" * 5_000})
        if number % 200 == 0:
            client.flush(0.03)
            most = max(most, resident())
    client.flush(1.0)
    most = max(most, resident())
    sink.over.set()
    end = time.monotonic() + 5.0
    while time.monotonic() < end and sink.handed + counts.logged < client.stats.undelivered:
        time.sleep(0.01)
    client.close(2.0)
    stats = client.stats
    print(
        json.dumps(
            {
                "grown": most - before,
                "handed": sink.handed,
                "logged": counts.logged,
                "undelivered": stats.undelivered,
                "retained": stats.retained,
            }
        ),
        flush=True,
    )


main()
