"""A handler decorated with `formo_flush`, everything at its default."""

from __future__ import annotations

import os
from typing import Any

from formo_lambda import FormoAnalytics, formo_flush
from tests.benchmarks.handlers.workload import NAME, perform

analytics = FormoAnalytics("a-key", api_host=os.environ["BENCH_URL"])


def track(address: str, properties: dict[str, Any]) -> None:
    """Track a swap."""
    analytics.track(NAME, address=address, properties=properties)


def flush() -> None:
    """Send everything, however long it takes."""
    analytics.flush(timeout=120).raise_for_errors()


#: What a decorated handler runs in.
scope = analytics.invocation


@formo_flush
def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Track swaps; the decorator sends them."""
    return perform(event, track)
