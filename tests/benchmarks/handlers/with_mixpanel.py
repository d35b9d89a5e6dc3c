"""A handler that flushes mixpanel's buffered consumer at its end."""

from __future__ import annotations

import os
from typing import Any

from mixpanel import (  # type: ignore[import-not-found,unused-ignore] # in the peer's own environment
    BufferedConsumer,
    Mixpanel,
)

from tests.benchmarks.handlers.workload import NAME, perform

consumer = BufferedConsumer(events_url=os.environ["BENCH_URL"] + "/track")
client = Mixpanel("a-key", consumer=consumer)


def track(address: str, properties: dict[str, Any]) -> None:
    """Track a swap; every 50th sends them."""
    client.track(address, NAME, properties)


def flush() -> None:
    """Send the rest."""
    consumer.flush()


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Track swaps and send them."""
    answer = perform(event, track)
    if event["count"]:
        flush()
    return answer
