"""The fixtures of clients in memory."""

from __future__ import annotations

from tests.client.recorded import client, make_client, transport

__all__ = ["client", "make_client", "transport"]
