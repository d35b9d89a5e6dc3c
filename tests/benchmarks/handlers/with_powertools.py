"""A handler under the decorator of aws-lambda-powertools' metrics, which prints instead of sending."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import (  # type: ignore[import-not-found,unused-ignore] # in the peer's own environment
    Metrics,
    MetricUnit,
)

from tests.benchmarks.handlers.workload import NAME, perform

metrics = Metrics(namespace="bench", service="bench")


def track(address: str, properties: dict[str, Any]) -> None:
    """Count a swap: a metric has a number and no properties."""
    metrics.add_metric(name=NAME, unit=MetricUnit.Count, value=1)


def flush() -> None:
    """Print everything."""
    metrics.flush_metrics()


@metrics.log_metrics  # type: ignore[untyped-decorator,unused-ignore] # likewise
def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Count swaps; the decorator prints them."""
    return perform(event, track)
