"""What arrived of a request, and whether it was in time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector
    from tests.runtimes.google.service import Answer, CloudRunInstance


def events_of(collector: LocalCollector, name: str) -> list[dict[str, Any]]:
    """Return the swaps of one request, each once."""
    return [event for event in collector.unique_events if event["properties"]["request"] == name]


def in_time(collector: LocalCollector, name: str, answer: Answer) -> int:
    """Count the swaps of a request that had arrived when its client had the complete answer."""
    times = [collector.arrived_at(event["message_id"]) for event in events_of(collector, name)]
    return sum(time <= answer.last_byte for time in times)


def post_event(instance: CloudRunInstance, name: str, count: int) -> Answer:
    """Send a CloudEvent that has a function track swaps."""
    headers = {
        "Content-Type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": f"id-{name}",
        "ce-source": "//swaps.test",
        "ce-type": "test.swap",
    }
    return instance.request(body=json.dumps({"name": name, "count": count}).encode(), headers=headers)


def post_background(instance: CloudRunInstance, name: str, count: int) -> Answer:
    """Send a background event that has a function track swaps."""
    context = {"eventId": f"id-{name}", "timestamp": "2026-01-01T00:00:00Z", "eventType": "test.swap", "resource": "r"}
    document = {"context": context, "data": {"name": name, "count": count}}
    return instance.request(body=json.dumps(document).encode(), headers={"Content-Type": "application/json"})


def post_json(instance: CloudRunInstance, name: str, count: int) -> Answer:
    """Send a JSON document that has a function track swaps."""
    document = {"name": name, "count": count}
    return instance.request(body=json.dumps(document).encode(), headers={"Content-Type": "application/json"})


def ask(instance: CloudRunInstance, name: str, count: int, path: str = "/", **more: str) -> Answer:
    """Send a plain request that has a function track swaps."""
    query = "&".join([f"name={name}", f"count={count}", *(f"{key}={value}" for key, value in more.items())])
    return instance.request("GET", f"{path}?{query}")
