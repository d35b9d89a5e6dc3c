"""Events to request bodies and back: cutting batches, stamping the time of an attempt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from formo_lambda.events.times import iso_now
from formo_lambda.invocation import ENVELOPE
from formo_lambda.options import MAX_BATCH_EVENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The brackets of the array; the comma that each event's envelope counts is one too many in all.
_FRAME: Final = 1


def cut(events: Sequence[bytes], max_bytes: int) -> list[list[bytes]]:
    """Cut events into batches: each at most 100 events and `max_bytes` of body; a larger event travels alone.

    Args:
        events: Encoded events, in order.
        max_bytes: The most bytes of one body.

    Returns:
        The batches; joined they are `events`, in order.
    """
    batches: list[list[bytes]] = []
    batch: list[bytes] = []
    size = _FRAME
    for event in events:
        more = len(event) + ENVELOPE
        if batch and (len(batch) >= MAX_BATCH_EVENTS or size + more > max_bytes):
            batches.append(batch)
            batch, size = [], _FRAME
        batch.append(event)
        size += more
    if batch:
        batches.append(batch)
    return batches


def join(events: Sequence[bytes], now: float) -> bytes:
    """Return the body of one attempt, every event stamped with the time it is made.

    Formo computes an event's time from the difference of `sent_at` and `original_timestamp`, so the stamp belongs
    to the attempt.

    Args:
        events: Encoded events.
        now: Seconds since the epoch.
    """
    stamp = b',"sent_at":"%b"}' % iso_now(now).encode("ascii")
    return b"[" + (stamp + b",").join(events) + stamp + b"]"


def as_dicts(events: Sequence[bytes], now: float) -> list[dict[str, Any]]:
    """Return the events as the dicts that were sent, for the user's own keeping."""
    decoded: list[dict[str, Any]] = json.loads(join(events, now))
    return decoded
