"""The baseline: one POST of the same bytes by hand, which were put together before the clock runs."""

from __future__ import annotations

import json
import os
import uuid
from typing import Any

import urllib3

from tests.benchmarks.handlers.workload import ADDRESSES, NAME, SMALL, perform


def _event(number: int) -> dict[str, Any]:
    return {
        "type": "track",
        "channel": "server",
        "version": "0",
        "anonymous_id": str(uuid.uuid4()),
        "user_id": None,
        "event": NAME,
        "properties": {**SMALL, "currency": "usd"},
        "context": {"library_name": "Formo Python SDK", "library_version": "0.1.0"},
        "address": ADDRESSES[number % 50],
        "original_timestamp": "2026-11-23T10:00:00.000Z",
        "message_id": str(uuid.uuid4()),
        "sent_at": "2026-11-23T10:00:00.000Z",
    }


pool = urllib3.PoolManager()
_url = os.environ["BENCH_URL"] + "/v0/raw_events"
_headers = {
    "Content-Type": "application/json",
    "Authorization": "Bearer a-key",
    "User-Agent": "Formo-Python-SDK/0.1.0",
}
_bodies = {
    count: json.dumps([_event(number) for number in range(count)], separators=(",", ":")).encode()
    for count in (1, 10, 20, 200, 2_000)
}


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Work, then post."""
    answer = perform({**event, "count": 0}, lambda *_: None)
    if event["count"]:
        response = pool.request("POST", _url, body=_bodies[event["count"]], headers=_headers, retries=False)
        assert response.status == 200
    return answer
