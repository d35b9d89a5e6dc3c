"""A handler whose process is a copy of one that had a connection, a random state and hooks."""

from __future__ import annotations

import random
from typing import Any

from snapshot_restore_py import register_after_restore, register_before_snapshot

from formo_lambda import FormoAnalytics, formo_flush

analytics = FormoAnalytics()
hooks: list[str] = []
register_before_snapshot(lambda: hooks.append("before"))
register_after_restore(lambda: hooks.append("after"))

# Every copy has the same state of the module's generator.
random.seed(7)
analytics.track("Warmed Up", properties={"invocation": "init"})
analytics.flush()


@formo_flush
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Track after the restore."""
    ids = [
        analytics.track("Swap Completed", properties={"invocation": event["name"], "number": number})
        for number in range(event["count"])
    ]
    return {"ids": ids, "hooks": hooks, "random": random.random()}
