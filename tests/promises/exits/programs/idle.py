"""Make a thousand clients that do nothing, and count what that costs; then drop them."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from pathlib import Path

from formo_lambda import FormoAnalytics


def count() -> dict[str, int]:
    """Count threads and open files."""
    return {"threads": threading.active_count(), "files": len(list(Path("/proc/self/fd").iterdir()))}


FormoAnalytics()
before = count()
clients = [FormoAnalytics() for _ in range(1_000)]
for client in clients:
    client.flush()
    with client.invocation():
        pass
after = count()
references = [weakref.ref(client) for client in clients]
outboxes = [weakref.ref(client._queue) for client in clients]
del clients, client
gc.collect()
print(
    json.dumps(
        {
            "before": before,
            "after": after,
            "clients": sum(each() is not None for each in references),
            "outboxes": sum(each() is not None for each in outboxes),
        }
    )
)
