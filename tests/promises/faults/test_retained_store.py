"""What is kept for later is bounded in bytes; the oldest makes room, counted and handed over."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from formo_lambda import DeliveryError, FormoAnalytics

from .scripted import ScriptedTransport
from .waiting import wait_until

if TYPE_CHECKING:
    import pytest

_BOUND = 100_000


def test_the_store_keeps_the_newest_within_its_bound(caplog: pytest.LogCaptureFixture) -> None:
    """Of three flushes of twenty 3 KB events, the last ones stay, the first ones are handed over in order."""
    handed: list[str] = []
    sizes: list[int] = []

    def on_undelivered(events: list[dict[str, Any]], error: Exception) -> None:
        assert isinstance(error, DeliveryError)
        handed.extend(str(event["message_id"]) for event in events)
        sizes.extend(len(json.dumps(event, separators=(",", ":"))) for event in events)

    transport = ScriptedTransport()
    transport.mode = "refused"
    client = FormoAnalytics(
        "test-key",
        transport=transport,
        max_pending_size=_BOUND,
        retry_count=0,
        flush_at=100,
        on_undelivered=on_undelivered,
        handle_signals=False,
    )
    tracked: list[str] = []
    for _ in range(3):
        tracked += [client.track("Kept", properties={"padding": "x" * 3_000}) for _ in range(20)]
        result = client.flush(1.0)
        stats = client.stats
        assert stats.tracked == stats.buffered + stats.sent + stats.retained + stats.undelivered + stats.discarded
        assert stats.retained * 3_000 <= _BOUND
        assert (result.retained, stats.buffered) == (stats.retained, 0)
    wait_until(lambda: len(handed) == client.stats.undelivered)
    kept = client.stats.retained
    # The bound is used, not only respected: one more event would not fit.
    assert (kept + 1) * max(sizes) > _BOUND
    assert kept == 60 - len(handed)
    assert handed == tracked[: len(handed)]
    # What is lost is summed up for a second.
    wait_until(
        lambda: any(
            line.levelno == logging.ERROR and "max_pending_size" in line.getMessage() for line in caplog.records
        )
    )

    transport.mode = "healthy"
    assert client.flush(5.0).sent == kept
    assert transport.ledger.accepted() == set(tracked[len(handed) :])
    client.close()


def test_a_store_of_size_zero_keeps_nothing() -> None:
    """Whoever forbids keeping gets every failed event handed over at once."""
    handed: list[dict[str, Any]] = []
    transport = ScriptedTransport()
    transport.mode = "refused"
    client = FormoAnalytics(
        "test-key",
        transport=transport,
        max_pending_size=0,
        retry_count=0,
        on_undelivered=lambda events, _: handed.extend(events),
        handle_signals=False,
    )
    ids = [client.track("Not Kept") for _ in range(3)]
    result = client.flush(1.0)
    assert (result.retained, result.undelivered) == (0, 3)
    wait_until(lambda: len(handed) == 3)
    assert [event["message_id"] for event in handed] == ids
    client.close()
