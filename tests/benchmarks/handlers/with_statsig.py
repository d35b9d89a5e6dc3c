"""A handler that flushes statsig at its end."""

from __future__ import annotations

import os
from typing import Any

from statsig import (  # type: ignore[import-not-found,unused-ignore] # in the peer's own environment
    StatsigEvent,
    StatsigOptions,
    StatsigUser,
    statsig,
)
from statsig.statsig_error_boundary import (  # type: ignore[import-not-found,unused-ignore] # likewise
    _StatsigErrorBoundary,
)

from tests.benchmarks.handlers.workload import NAME, perform

#: Specs given at the start spare it the download that would hold up the start.
SPECS = '{"feature_gates":[],"dynamic_configs":[],"layer_configs":[],"has_updates":true,"time":1}'

# Its own reports of faults have a fixed address; nothing may leave this machine.
_StatsigErrorBoundary.endpoint = os.environ["BENCH_URL"] + "/v1/sdk_exception"
statsig.initialize(
    "secret-key",
    StatsigOptions(api=os.environ["BENCH_URL"] + "/v1/", bootstrap_values=SPECS, disable_diagnostics=True),
)


def track(address: str, properties: dict[str, Any]) -> None:
    """Track a swap."""
    statsig.log_event(StatsigEvent(StatsigUser(address), NAME, None, properties))


def flush() -> None:
    """Send what it has not yet put into a batch."""
    statsig.flush()


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Track swaps and send them."""
    answer = perform(event, track)
    if event["count"]:
        flush()
    return answer
