"""A handler that flushes segment-analytics-python at its end."""

from __future__ import annotations

import os
from typing import Any

from segment.analytics.client import Client  # type: ignore[import-not-found,unused-ignore] # in the peer's own environment

from tests.benchmarks.handlers.workload import NAME, perform

client = Client("a-key", host=os.environ["BENCH_URL"], max_queue_size=1_000_000)


def track(address: str, properties: dict[str, Any]) -> None:
    """Track a swap."""
    client.track(address, NAME, properties)


def flush() -> None:
    """Send everything."""
    client.flush()


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Track swaps and send them."""
    answer = perform(event, track)
    if event["count"]:
        flush()
    return answer
