"""Check a request by Formo's documented ingest contract."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PATH = "/v0/raw_events"

_TYPES = (
    "page", "connect", "disconnect", "chain", "signature", "transaction", "track", "decoded_log", "detect", "identify",
)  # fmt: skip
_CHANNELS = ("web", "mobile", "server", "api", "import")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
_EVM_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_SOLANA_ADDRESS = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")


class Verdict(NamedTuple):
    """The result of the check of one request."""

    #: The status of Formo's answer.
    status: int
    #: The JSON document of Formo's answer.
    answer: dict[str, Any]
    #: Every event of the body, well-formed or not; empty when the body is not a JSON array.
    events: list[dict[str, Any]]
    #: The events that Formo stores: those of `events` without a problem.
    accepted: list[dict[str, Any]]
    #: Everything that breaks the contract, in words.
    problems: list[str]


def judge(body: bytes, headers: Mapping[str, str], write_key: str | None) -> Verdict:
    """Check one request.

    Formo quarantines malformed events and stores the others. It refuses a request without any well-formed event.

    Args:
        body: The body as sent.
        headers: The headers, by lower-case name.
        write_key: The only key to accept, or None to accept any.
    """
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip() or (write_key is not None and key != write_key):
        return _refused(401, "Unauthorized", "authorization: expected `Bearer <write key>` with a known key")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return _refused(400, "Invalid content type", "content-type: expected application/json")
    try:
        rows = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return _refused(400, "Invalid JSON", "body: not JSON")
    if not isinstance(rows, list):
        return _refused(400, "Expected an array of events", "body: not a JSON array")

    events, accepted, problems = [], [], []
    for number, row in enumerate(rows):
        found = event_problems(row)
        problems += [f"event {number}: {problem}" for problem in found]
        if isinstance(row, dict):
            events.append(row)
            if not found:
                accepted.append(row)
    if rows and not accepted:
        return Verdict(400, {"error": "No valid events"}, events, accepted, problems)
    counts = {"successful_rows": len(accepted), "quarantined_rows": len(rows) - len(accepted)}
    return Verdict(200, counts, events, accepted, problems)


def event_problems(row: object) -> list[str]:
    """Return what breaks the wire format in one element of the array, in words."""
    if not isinstance(row, dict):
        return ["not a JSON object"]
    problems = [f"{key} is missing" for key in _RULES if key not in row]
    if "event" not in row and row.get("type") == "track":
        problems.append("event is missing")
    for key, value in row.items():
        rule = _RULES.get(key) or _OPTIONAL_RULES.get(key)
        if rule is None:
            problems.append(f"{key} is not a field of an event")
        elif not rule.accepts(value):
            problems.append(f"{key} must be {rule.expected}")
    if row.get("type") == "track" and row.get("event", "") is None:
        problems.append("event must be a non-empty string on a track event")
    return problems


def _refused(status: int, error: str, problem: str) -> Verdict:
    return Verdict(status, {"error": error}, [], [], [problem])


def _refuse_constant(name: str) -> None:
    # Python reads NaN and Infinity, but JSON has neither, so Formo cannot read the body.
    raise ValueError(name)


class _Rule(NamedTuple):
    expected: str
    accepts: Callable[[object], bool]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_text_or_null(value: object) -> bool:
    return value is None or _is_text(value)


def _is_address_or_null(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, str) and bool(_EVM_ADDRESS.fullmatch(value) or _SOLANA_ADDRESS.fullmatch(value))


def _is_timestamp(value: object) -> bool:
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
        return False
    try:
        datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: DTZ007 -- only to find out whether the day exists
    except ValueError:
        return False
    return True


def _is_context(value: object) -> bool:
    return isinstance(value, dict) and _is_text(value.get("library_name")) and _is_text(value.get("library_version"))


_TIMESTAMP_RULE = _Rule("a UTC time like 2026-11-23T10:00:00.000Z", _is_timestamp)

# Formo requires only type, anonymous_id, version and channel. This package's clients always send all of these.
_RULES = {
    "type": _Rule("one of " + ", ".join(_TYPES), lambda value: value in _TYPES),
    "channel": _Rule("one of " + ", ".join(_CHANNELS), lambda value: value in _CHANNELS),
    "version": _Rule("a non-empty string", _is_text),
    "anonymous_id": _Rule("a non-empty string", _is_text),
    "user_id": _Rule("a non-empty string or null", _is_text_or_null),
    "properties": _Rule("an object", lambda value: isinstance(value, dict)),
    "context": _Rule("an object with library_name and library_version", _is_context),
    "address": _Rule("an EVM or Solana address or null", _is_address_or_null),
    "original_timestamp": _TIMESTAMP_RULE,
    "sent_at": _TIMESTAMP_RULE,
    "message_id": _Rule("a non-empty string", _is_text),
}
_OPTIONAL_RULES = {
    "event": _Rule("a non-empty string or null", _is_text_or_null),
    "session_id": _Rule("a non-empty string", _is_text),
}
