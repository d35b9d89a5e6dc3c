"""Build events with a fixed clock and fixed ids, and read what was built."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda.errors import ValidationError
from formo_lambda.events import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: 2026-11-23T10:00:00.000Z
NOW = 1_795_428_000.0
NOW_TEXT = "2026-11-23T10:00:00.000Z"

ADDRESS = "0xab5801a7d398351b8be11c439e05c5b3259aec9b"
CHECKSUMMED = "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B"
SOLANA_ADDRESS = "FDKJvWcJNe6wecbgDYDFPCfgs14aJnVsUfWQRYWLn4Tn"
SOLANA_CHAIN = 900_001


def id_maker() -> Callable[[], str]:
    """Return a source of ids that can be told apart: version 4 UUIDs with a running number."""
    numbers: Iterator[int] = itertools.count(1)
    return lambda: f"00000000-0000-4000-8000-{next(numbers):012d}"


def built_bytes(event_type: str, **arguments: Any) -> bytes:
    """Return the bytes of one event."""
    _, data = build(event_type, **{"now": NOW, "new_id": id_maker(), **arguments})
    return data


def built(event_type: str, **arguments: Any) -> dict[str, Any]:
    """Return one event as a reader sees it, before `sent_at` is added."""
    event = json.loads(built_bytes(event_type, **arguments) + b"}")
    assert isinstance(event, dict)
    return event


def tracked(properties: Any, **arguments: Any) -> Any:
    """Return the properties of a track event as a reader sees them."""
    return built("track", event="Swap Completed", properties=properties, **arguments)["properties"]


def refusal(event_type: str, **arguments: Any) -> ValidationError:
    """Return the error that building an event ends with."""
    with pytest.raises(ValidationError) as caught:
        built_bytes(event_type, **arguments)
    return caught.value


def refused_field(event_type: str, **arguments: Any) -> str:
    """Return the field that an event is refused for."""
    return refusal(event_type, **arguments).field
