"""Events and requests as they look on the wire."""

from __future__ import annotations

import http.client
import json
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl

HEADERS = {"Authorization": "Bearer a-key", "Content-Type": "application/json"}


def wire_event(**changes: Any) -> dict[str, Any]:
    """Make a well-formed event, then change, add or (with `...`) remove some of its fields."""
    event = {
        "type": "track",
        "channel": "server",
        "version": "0",
        "anonymous_id": "8a0a3dc6-5f10-4f0e-8b9c-0f6f5f3a2f6d",
        "user_id": None,
        "event": "Swap Completed",
        "properties": {},
        "context": {"library_name": "Formo Python SDK", "library_version": "1.0.0"},
        "address": "0x9798d87366BDfC5d70B300AbDfFc4F9E95369b3D",
        "original_timestamp": "2026-11-23T10:00:00.000Z",
        "sent_at": "2026-11-23T10:00:01.000Z",
        "message_id": str(uuid.uuid4()),
        **changes,
    }
    return {key: value for key, value in event.items() if value is not ...}


def wire_body(*events: object) -> bytes:
    """Encode a request's body."""
    return json.dumps(events).encode()


def connect(url: str, *, trust: ssl.SSLContext | None = None, timeout: float = 5.0) -> http.client.HTTPConnection:
    """Make a keep-alive connection that goes through no proxy."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.hostname, parts.port, context=trust, timeout=timeout)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)


def post(
    connection: http.client.HTTPConnection,
    body: bytes,
    headers: dict[str, str] = HEADERS,
    path: str = "/v0/raw_events",
) -> tuple[int, Any]:
    """Post one request over the connection; give the status and the document of the answer."""
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    return answer.status, json.loads(content) if content else None
