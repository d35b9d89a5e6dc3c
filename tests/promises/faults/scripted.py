"""A transport in this process that fails as it is told to, at once, and keeps the same ledger as the fault server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from formo_lambda.transport.protocol import Response

from .exchange import rows
from .ledger import Event, Ledger, Request, parse_events

if TYPE_CHECKING:
    from collections.abc import Mapping

_RAISES = {"refused": ConnectionRefusedError, "silent": TimeoutError, "odd": RuntimeError}
_STATUSES = {"429": 429, "500": 500, "401": 401, "404": 404}

#: Everything `mode` can be.
MODES = ("healthy", *_RAISES, "lost answer", *_STATUSES, "429 with pause", "413 above two", "400 on poison")


class ScriptedTransport:
    """Treats each body as the current mode says.

    Attributes:
        mode: One of MODES.
        ledger: What was read, kept and accepted.
    """

    def __init__(self) -> None:
        self.mode = "healthy"
        self.ledger = Ledger()

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Read the body strictly, then answer or raise."""
        mode = self.mode
        if mode in _RAISES:
            raise _RAISES[mode]("scripted")
        events = parse_events(body)
        self.ledger.read(Request(time.monotonic(), 0, "POST", "/", headers, body, events))
        if mode == "lost answer":
            self.ledger.keep(events)
            raise ConnectionResetError("scripted")
        status = self._status(mode, events)
        if status != 200:
            return Response(status, {"retry-after": "60"} if mode == "429 with pause" else {}, b'{"error": "scripted"}')
        self.ledger.accept(events)
        return Response(200, {}, rows(len(events)))

    def _status(self, mode: str, events: tuple[Event, ...]) -> int:
        if mode == "429 with pause":
            return 429
        if mode == "413 above two":
            return 413 if len(events) > 2 else 200
        if mode == "400 on poison":
            return 400 if any("poison" in event["properties"] for event in events) else 200
        return _STATUSES.get(mode, 200)
