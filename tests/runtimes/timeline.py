"""When the events of one request arrived and were acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector


def acknowledged(collector: LocalCollector, name: str) -> dict[int, float]:
    """Give, for each swap of a request by its number, when the ingest server answered for it."""
    return {
        event["properties"]["number"]: collector.arrived_at(event["message_id"]) + collector.delay
        for event in collector.unique_events
        if event["properties"]["invocation"] == name
    }
