"""No sequence of calls and faults loses count of an event."""

from __future__ import annotations

import time
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from formo_lambda import FormoAnalytics, formo_flush

from .scripted import MODES, ScriptedTransport

# A failure that may pass must not be waited for here: what is tested are the counts, not the clock.
_OPTIONS: dict[str, Any] = {"retry_count": 0, "flush_timeout": 0.5, "handle_signals": False}


class HandlerError(Exception):
    """What a handler of these tests raises."""


class Sequences(RuleBasedStateMachine):
    """Track, flush, invoke, fail, recover, close, in any order, against the ledger of the transport."""

    def __init__(self) -> None:
        super().__init__()
        self.transport = ScriptedTransport()
        self.given_up: list[str] = []
        self.tracked: list[str] = []
        self.discarded = 0
        self.client = FormoAnalytics(
            "test-key", transport=self.transport, flush_at=5, on_undelivered=self._on_undelivered, **_OPTIONS
        )

    def _on_undelivered(self, events: list[dict[str, Any]], _: Exception) -> None:
        self.given_up.extend(str(event["message_id"]) for event in events)

    def _track(self, count: int, *, poison: bool) -> None:
        for number in range(count):
            properties = {"poison": 1} if poison and number == 0 else {"number": number}
            self.tracked.append(self.client.track("Sequence Step", properties=properties))

    @rule(count=st.integers(1, 8), poison=st.booleans())
    def track(self, count: int, poison: bool) -> None:  # noqa: FBT001  # hypothesis calls it by name
        """Track outside any invocation."""
        self._track(count, poison=poison)

    @rule(count=st.integers(0, 8), fails=st.booleans(), nested=st.booleans())
    def invoke(self, count: int, fails: bool, nested: bool) -> None:  # noqa: FBT001  # likewise
        """Call a decorated handler that tracks, perhaps through another one, and perhaps raises."""

        @formo_flush(timeout=0.5)
        def inner(event: object, context: object) -> int:
            self._track(count, poison=False)
            if fails:
                raise HandlerError
            return count

        @formo_flush(timeout=0.5)
        def outer(event: object, context: object) -> int:
            self._track(1, poison=False)
            return inner(event, context)

        try:
            value = (outer if nested else inner)({}, None)
        except HandlerError:
            assert fails
        else:
            assert (value, fails) == (count, False)

    @rule(count=st.integers(1, 3))
    def scope(self, count: int) -> None:
        """Track inside `with client.invocation()`."""
        with self.client.invocation():
            self._track(count, poison=False)

    @rule(timeout=st.sampled_from([None, 0.05, 0.5]))
    def flush(self, timeout: float | None) -> None:
        """Flush and compare the result with itself and with the totals."""
        before = self.client.stats
        result = self.client.flush(timeout)
        after = self.client.stats
        assert result.sent <= after.sent - before.sent
        assert result.ok is (result.retained == result.undelivered == result.quarantined == 0)
        assert result.ok is not bool(result.errors)

    @rule(mode=st.sampled_from(MODES))
    def fault(self, mode: str) -> None:
        """Switch a fault on, or all off."""
        self.transport.mode = mode

    @rule()
    def close(self) -> None:
        """Close the client; the next event reopens it."""
        self.client.close()

    @precondition(lambda self: self.transport.mode == "healthy")
    @rule()
    def recover(self) -> None:
        """With no fault on, one flush leaves nothing behind."""
        result = self.client.flush(5.0)
        assert (result.retained, self.client.stats.retained, self.client.stats.buffered) == (0, 0, 0)
        self._everything_is_somewhere()

    @invariant()
    def the_parts_make_the_whole(self) -> None:
        """Tracked is the sum of the five places, and nothing is claimed that the server did not accept."""
        stats = self.client.stats
        assert stats.tracked == len(self.tracked)
        assert stats.tracked == stats.buffered + stats.sent + stats.retained + stats.undelivered + stats.discarded
        assert stats.sent <= len(self.transport.ledger.accepted())
        assert stats.discarded == 0

    def teardown(self) -> None:
        """Recover, and find every event that was ever tracked exactly once."""
        self.transport.mode = "healthy"
        self.recover()
        self.client.close()

    def _everything_is_somewhere(self) -> None:
        end = time.monotonic() + 5.0
        while len(self.given_up) < self.client.stats.undelivered and time.monotonic() < end:
            time.sleep(0.001)
        delivered = self.transport.ledger.accepted()
        assert len(self.given_up) == len(set(self.given_up)) == self.client.stats.undelivered
        assert delivered.isdisjoint(self.given_up)
        assert delivered | set(self.given_up) == set(self.tracked)
        # An acceptance that the client knows of is never asked for again.
        assert all(len(self.transport.ledger.accepted_times(each)) == 1 for each in delivered)
        assert self.client.stats.sent == len(delivered)


TestSequences = Sequences.TestCase
TestSequences.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
