"""The same handler without any SDK."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.handlers.workload import perform


def track(address: str, properties: dict[str, Any]) -> None:
    """Do nothing."""


def flush() -> None:
    """Do nothing."""


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Only work."""
    return perform({**event, "count": 0}, track)
