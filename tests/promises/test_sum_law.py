"""Whatever happens in whatever order: every event is in exactly one place, and ends in exactly one."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.promises.faulty_transport import BAD, MODES, Account
from tests.promises.stress import Stress

_RULES: dict[str, Any] = {
    "send": "send",
    "discard": "discard",
    "a callable that keeps": lambda error: True,
    "a callable that drops": lambda error: False,
}
_DROPPING = ("discard", "a callable that drops")
_DEEPEST = 4


class HandlerError(Exception):
    """What the blocks of these tests raise."""


class _Block:
    """One open `with client.invocation()` block, with the events that its rule may still drop."""

    def __init__(self, account: Account, rule: str) -> None:
        self.rule = rule
        self.ids: list[str] = []
        self._run = account.client.invocation(on_exception=_RULES[rule])
        self._run.__enter__()

    def leave(self, error: HandlerError | None) -> None:
        """Leave the block, well or by an error."""
        self._run.__exit__(type(error) if error else None, error, None)


class AnySchedule(RuleBasedStateMachine):
    """Tracks, flushes, closes, nests and starts threads, against a server that fails in every way."""

    def __init__(self) -> None:
        super().__init__()
        self.account = Account(flush_at=3, retry_count=0, flush_timeout=0.05, request_timeout=0.1)
        self.blocks: list[_Block] = []

    @rule(count=st.integers(1, 4), bad=st.booleans())
    def track(self, count: int, bad: bool) -> None:  # noqa: FBT001 -- hypothesis calls it by name
        """Track some events where the program is now, perhaps one that the server refuses."""
        ids = [self.account.track(BAD if bad and number == 0 else "Good Event") for number in range(count)]
        if self.blocks:
            self.blocks[-1].ids += ids

    @precondition(lambda self: len(self.blocks) < _DEEPEST)
    @rule(rule=st.sampled_from(list(_RULES)))
    def enter(self, rule: str) -> None:
        """Open a block within the current one."""
        self.blocks.append(_Block(self.account, rule))

    @precondition(lambda self: self.blocks)
    @rule(fails=st.booleans())
    def leave(self, fails: bool) -> None:  # noqa: FBT001 -- likewise
        """Leave the innermost block, perhaps by an exception."""
        block = self.blocks.pop()
        block.leave(HandlerError() if fails else None)
        if fails and block.rule in _DROPPING:
            self.account.discarded.update(block.ids)
        elif self.blocks:
            self.blocks[-1].ids += block.ids

    @rule(timeout=st.sampled_from([None, 0.02]))
    def flush(self, timeout: float | None) -> None:
        """Flush by name: what the open blocks hold leaves, too."""
        self.account.client.flush(timeout)
        self._nothing_can_be_dropped()

    @rule()
    def close(self) -> None:
        """Close the client; the next event opens it again."""
        self.account.client.close()
        self._nothing_can_be_dropped()

    def _nothing_can_be_dropped(self) -> None:
        for block in self.blocks:
            block.ids.clear()

    @rule(plans=st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=3))
    def threads(self, plans: list[tuple[int, bool]]) -> None:
        """Have bare threads track and flush at the same time. They belong to the outermost block, if one is open."""
        may_drop = bool(self.blocks) and self.blocks[0].rule != "send"
        start = threading.Barrier(len(plans))
        ids: list[str] = []

        def work(count: int, flushes: bool) -> None:  # noqa: FBT001 -- drawn as a pair
            start.wait(5.0)
            ids.extend(self.account.track() for _ in range(count))
            if flushes and not may_drop:
                self.account.client.flush(0.05)

        _run_all([threading.Thread(target=work, args=plan) for plan in plans])
        if self.blocks:
            self.blocks[0].ids += ids

    @rule(mode=st.sampled_from(MODES))
    def switch(self, mode: str) -> None:
        """Have the server fail in another way, or be well."""
        self.account.transport.mode = mode

    @rule()
    def release(self) -> None:
        """Have what hangs be answered."""
        self.account.transport.release()

    @invariant()
    def the_parts_make_the_whole(self) -> None:
        """What was tracked is the sum of the places where events are."""
        self.account.check_sum()

    def teardown(self) -> None:
        """Leave every block; then each event has had one fate."""
        while self.blocks:
            self.blocks.pop().leave(None)
        self.account.settle()


TestAnySchedule = AnySchedule.TestCase
TestAnySchedule.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def _run_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20.0)
        assert not thread.is_alive()


def test_under_stress() -> None:
    """Eight threads, faults at random: every reading of the totals adds up, and each event has one fate at the end."""
    stress = Stress(1, nests=True)
    stress.run(3.0)
    for reading in stress.readings:
        assert reading.tracked == reading.parts
        assert reading.smallest >= 0
    # Else nothing has been shown.
    stats = stress.account.client.stats
    assert min(stats.sent, stats.undelivered, stats.discarded, len(stress.readings)) > 50


def test_no_reading_misses_an_event() -> None:
    """While invocations that are not nested begin and end, the totals hold each event that was tracked, and no more."""
    stress = Stress(2, nests=False)
    stress.run(2.0)
    for reading in stress.readings:
        assert reading.least <= reading.tracked <= reading.most
    for before, after in itertools.pairwise(stress.readings):
        assert before.sent <= after.sent
        assert before.undelivered <= after.undelivered
    assert len(stress.readings) > 50
