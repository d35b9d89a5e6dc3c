"""Read the cases recorded from the official Node SDK, and compare events with them."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_RECORDED = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="ascii"))

CASES: list[dict[str, Any]] = _RECORDED["cases"]
ADDRESSES: list[dict[str, str]] = _RECORDED["addresses"]

#: The recorded argument names, and ours.
NAMES = {"anonymousId": "anonymous_id", "userId": "user_id"}

_PLACEHOLDERS = {
    "<uuid>": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}").fullmatch,
    "<iso8601 ms Z>": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z").fullmatch,
}

_ABSENT = object()


def cases(verdict: str) -> list[dict[str, Any]]:
    """Return the cases of one verdict: same, decide or js-only."""
    return [case for case in CASES if case["py"] == verdict]


def decoded(value: Any) -> Any:
    """Return the Python value that a recorded, tagged value stands for."""
    if isinstance(value, list):
        return [None if item is _ABSENT else item for item in map(decoded, value)]
    if not isinstance(value, dict):
        return value
    tag = next(iter(value), "")
    if len(value) == 1 and tag.startswith("$"):
        return _untagged(tag, value[tag])
    members = {key: decoded(member) for key, member in value.items()}
    return {key: member for key, member in members.items() if member is not _ABSENT}


def _untagged(tag: str, content: Any) -> Any:
    if tag == "$deep":
        nested: dict[str, Any] = {"leaf": 1}
        for _ in range(content):
            nested = {"d": nested}
        return nested
    if tag == "$circular":
        loop: dict[str, Any] = {"name": "loop"}
        loop["self"] = loop
        return loop
    simple: dict[str, Callable[[Any], Any]] = {
        "$undefined": lambda _: _ABSENT,
        "$number": float,
        "$bigint": int,
        "$date": lambda text: datetime.fromisoformat(text.replace("Z", "+00:00")),
        "$bytes": bytes.fromhex,
        "$set": set,
        "$repeat": lambda pair: pair[0] * pair[1],
        "$escape": lambda members: {key: decoded(member) for key, member in members.items()},
    }
    return simple[tag](content)


def difference(expected: Any, actual: Any, path: str = "event") -> str | None:
    """Return where two decoded events first differ, None if they do not.

    Placeholders stand for what matches them; numbers are equal by value, as JavaScript reads them; a bool is no number.
    """
    if isinstance(expected, dict) and isinstance(actual, dict) and expected.keys() == actual.keys():
        parts = [(f"{path}.{key}", expected[key], actual[key]) for key in expected]
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        parts = [(f"{path}[{i}]", expected[i], actual[i]) for i in range(len(expected))]
    else:
        return None if _same_scalar(expected, actual) else f"{path}: {actual!r} is not {expected!r}"
    return next((found for where, one, two in parts if (found := difference(one, two, where))), None)


def _same_scalar(expected: Any, actual: Any) -> bool:
    if isinstance(expected, str) and expected in _PLACEHOLDERS:
        return isinstance(actual, str) and bool(_PLACEHOLDERS[expected](actual))
    if _is_number(expected) and _is_number(actual):
        return float(expected) == float(actual)
    return type(expected) is type(actual) and bool(expected == actual)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
