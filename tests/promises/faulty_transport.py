"""A transport that fails as it is told to, and remembers each event it took."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from formo_lambda import FormoAnalytics
from formo_lambda.transport.protocol import Response
from tests.promises.faults.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: Everything that `FaultyTransport.mode` can be.
MODES = ("accepts", "refuses the key", "fails", "raises", "hangs")
#: The name of events that make the server refuse a whole body.
BAD = "Bad Event"


class FaultyTransport:
    """Treats each body as the current mode says.

    Attributes:
        mode: One of MODES.
        accepted: The message id of each event that was answered with 200, as often as it was.
        requests: How many bodies came.
    """

    def __init__(self) -> None:
        self.mode = "accepts"
        self.accepted: list[str] = []
        self.requests = 0
        self._released = threading.Event()

    def release(self) -> None:
        """Let what hangs now go on."""
        released, self._released = self._released, threading.Event()
        released.set()

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Read the body, then answer, raise, or wait: until `release`, and no longer than `timeout`."""
        self.requests += 1
        events = json.loads(body)
        mode = self.mode
        if mode == "hangs":
            if not self._released.wait(max(timeout, 0.0)):
                raise TimeoutError
            mode = "accepts"
        if mode == "raises":
            raise ConnectionResetError
        if mode == "fails":
            return Response(503)
        if mode == "refuses the key":
            return Response(401)
        if any(event["event"] == BAD for event in events):
            return Response(400)
        self.accepted += [event["message_id"] for event in events]
        return Response(200)


class Account:
    """One client of a faulty transport, with what must have become of each of its events.

    Attributes:
        tracked: The ids that `track` returned.
        discarded: Those of them that a scope's rule has dropped.
        handed: Those that `on_undelivered` was given, as often as it was.
    """

    def __init__(self, **options: Any) -> None:
        self.transport = FaultyTransport()
        self.tracked: list[str] = []
        self.discarded: set[str] = set()
        self.handed: list[str] = []
        self.client = FormoAnalytics(
            "a-key", transport=self.transport, handle_signals=False, on_undelivered=self._take, **options
        )

    def _take(self, events: list[dict[str, Any]], _: Exception) -> None:
        self.handed += [event["message_id"] for event in events]

    def track(self, name: str = "Good Event") -> str:
        """Track one event, and remember it."""
        made_id = self.client.track(name)
        self.tracked.append(made_id)
        return made_id

    def check_sum(self) -> None:
        """Check that the totals add up to the events that were tracked, while nobody tracks."""
        stats = self.client.stats
        assert stats.tracked == len(self.tracked)
        assert stats.tracked == stats.sent + stats.retained + stats.undelivered + stats.discarded + stats.buffered
        assert stats.discarded == len(self.discarded)
        assert min(stats) >= 0
        # In this order: what is accepted meanwhile may not be counted as sent yet, never the other way round.
        assert stats.sent <= len(set(self.transport.accepted))

    def settle(self) -> None:
        """Make the server well and close the client: then each event must have one fate."""
        self.transport.mode = "accepts"
        self.transport.release()
        result = self.client.close(10.0)
        assert result.retained == 0
        stats = self.client.stats
        assert (stats.retained, stats.buffered) == (0, 0)
        # What left early and was refused is handed over beside the flush.
        wait_until(lambda: len(self.handed) >= stats.undelivered)
        tracked, accepted, handed = set(self.tracked), set(self.transport.accepted), set(self.handed)
        assert len(tracked) == len(self.tracked) == stats.tracked
        assert accepted | handed | self.discarded == tracked
        assert self.discarded.isdisjoint(accepted)
        assert self.discarded.isdisjoint(handed)
        assert len(handed) == len(self.handed) == stats.undelivered
        assert len(self.discarded) == stats.discarded
        # An answer that came too late to count may have accepted what is given up later: it is not counted as sent.
        assert stats.sent == len(tracked) - len(handed) - len(self.discarded)
