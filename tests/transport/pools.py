"""Connections that one test has to itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from formo_lambda.delivery.workers import workers
from formo_lambda.transport import pool

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


def own_pools(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have no connections from before, and leave none: a port may come back. It is the body of a fixture."""
    monkeypatch.setattr(pool, "_pools", {})
    yield
    limit = time.monotonic() + 10.0
    while any(isinstance(group, tuple) for group in list(workers._running)) and time.monotonic() < limit:
        time.sleep(0.005)  # What is still being opened would be kept after the others are closed.
    pool.close_idle()
