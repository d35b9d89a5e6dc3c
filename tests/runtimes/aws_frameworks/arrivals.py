"""What arrived of an invocation, and whether it was in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector
    from tests.runtimes.runtime_api import Invocation


def events_of(collector: LocalCollector, name: str) -> list[dict[str, Any]]:
    """Return the events of one invocation, each once."""
    return [event for event in collector.unique_events if event["properties"]["invocation"] == name]


def in_time(collector: LocalCollector, name: str, invocation: Invocation) -> int:
    """Count the events of an invocation that had arrived when its response or error was posted."""
    assert invocation.answered is not None
    times = [collector.arrived_at(event["message_id"]) for event in events_of(collector, name)]
    return sum(time <= invocation.answered for time in times)
