"""A handler that flushes amplitude-analytics at its end, and waits for the futures that the flush returns."""

from __future__ import annotations

import os
from typing import Any

from amplitude import (  # type: ignore[import-not-found,unused-ignore] # in the peer's own environment
    Amplitude,
    BaseEvent,
    Config,
)

from tests.benchmarks.handlers.workload import NAME, perform

client = Amplitude("a-key", Config(server_url=os.environ["BENCH_URL"] + "/2/httpapi"))


def track(address: str, properties: dict[str, Any]) -> None:
    """Track a swap."""
    client.track(BaseEvent(NAME, user_id=address, event_properties=properties))


def flush() -> None:
    """Send everything."""
    for future in client.flush():
        if future is not None:
            future.result()


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Track swaps and send them."""
    answer = perform(event, track)
    if event["count"]:
        flush()
    return answer
