"""Invocations that wait at the same time share requests, and what happens to one's part touches no other's."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from formo_lambda import FlushResult, FormoAnalytics
from tests.promises.crowds import at_once
from tests.promises.gated import BAD, PLACES, GatedTransport, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: How many events each invocation here tracks.
_EVENTS = 3
#: How many invocations wait beside the one that something happens to; all of them together fit into one request.
_OTHERS = 20


class Invocation:
    """One invocation on a thread of its own.

    Args:
        client: What it tracks with.
        name: What its events say that they are of.
        bad: How many of its events the server refuses.
        timeout: The most seconds of its flush.
        fails: Whether it raises, and its rule is then to discard.
        count: How many events it tracks.
    """

    def __init__(
        self,
        client: FormoAnalytics,
        name: str,
        *,
        bad: int = 0,
        timeout: float = 10.0,
        fails: bool = False,
        count: int = _EVENTS,
    ) -> None:
        self.client = client
        self.name = name
        self.bad = bad
        self.timeout = timeout
        self.fails = fails
        self.count = count
        self.ids: list[str] = []
        self.tracked = threading.Event()
        self.seconds = 0.0
        #: How many of its own events had been accepted when it returned.
        self.arrived = 0
        self._result: FlushResult | None = None

    @property
    def result(self) -> FlushResult:
        """What its flush said."""
        assert self._result is not None
        return self._result

    def run(self) -> None:
        """Track, and flush at the end."""
        scope = self.client.invocation(timeout=self.timeout, on_exception="discard")
        try:
            with scope:
                self._track()
                self.tracked.set()
                began = time.monotonic()
                if self.fails:
                    raise LookupError  # noqa: TRY301 - as a handler would
        except LookupError:
            assert self.fails
        self.seconds = time.monotonic() - began
        self._result = scope.result

    async def run_async(self) -> None:
        """Do the same in a task."""
        async with self.client.invocation(timeout=self.timeout) as scope:
            self._track()
            self.tracked.set()
        self._result = scope.result

    def _track(self) -> None:
        for number in range(self.count):
            name = BAD if number < self.bad else "Good"
            self.ids.append(self.client.track(name, properties={"invocation": self.name}))

    def is_whole(self) -> bool:
        """Whether all of it was sent, and its result says so and no more."""
        sent = FlushResult(sent=self.count, requests=self.result.requests, elapsed=self.result.elapsed)
        return self.result == sent and self.result.ok


@pytest.fixture
def transport() -> Iterator[GatedTransport]:
    """Stand in for the network; every gate is open in the end."""
    transport = GatedTransport()
    yield transport
    transport.open_all()


@pytest.fixture
def client(transport: GatedTransport) -> FormoAnalytics:
    """Make a client that has sent something before."""
    return _warm(FormoAnalytics("test-key", transport=transport, flush_timeout=10.0), transport)


def _warm(client: FormoAnalytics, transport: GatedTransport) -> FormoAnalytics:
    with client.invocation():
        client.track("Warm", properties={"invocation": "warm"})
    transport.requests.clear()
    transport.accepted.clear()
    return client


def _others(client: FormoAnalytics) -> list[Invocation]:
    return [Invocation(client, f"other {number}") for number in range(_OTHERS)]


def _start(invocations: Sequence[Invocation]) -> list[threading.Thread]:
    """Start these; they wait for their flush when it returns."""
    threads = [threading.Thread(target=each.run, daemon=True) for each in invocations]
    for thread in threads:
        thread.start()
    for each in invocations:
        assert each.tracked.wait(5.0)
    time.sleep(0.1)  # They have tracked; now each comes to wait for a place.
    return threads


def _join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.join(10.0)
        assert not thread.is_alive()


def _shared(transport: GatedTransport) -> bool:
    """Whether a request carried the events of more than one invocation."""
    return any(len(request.invocations) > 1 for request in transport.requests)


def _assert_whole(others: Sequence[Invocation], transport: GatedTransport) -> None:
    assert [each.name for each in others if not each.is_whole()] == []
    accepted = sorted(transport.accepted)
    assert [each.name for each in others if not set(each.ids) <= set(accepted)] == []
    assert len(set(accepted)) == len(accepted)


def test_those_who_wait_share_a_request(client: FormoAnalytics, transport: GatedTransport) -> None:
    """Twenty invocations that wait for a place are sent in one request when one is free, and each gets its part."""
    free = transport.fill(client)
    others = _others(client)
    threads = _start(others)
    assert transport.requests == []
    free()
    _join(threads)
    _assert_whole(others, transport)
    names = frozenset(each.name for each in others)
    assert [request.invocations for request in transport.requests if not request.invocations.isdisjoint(names)] == [
        names
    ]
    assert transport.most == PLACES


def test_a_bad_event_is_its_own_invocations(client: FormoAnalytics, transport: GatedTransport) -> None:
    """An event that has the server refuse the whole request costs its own invocation that event, and no other any."""
    free = transport.fill(client)
    others = _others(client)
    refused = Invocation(client, "refused", bad=1)
    threads = _start([*others[:10], refused, *others[10:]])
    free()
    _join(threads)
    assert _shared(transport)
    _assert_whole(others, transport)
    assert (refused.result.sent, refused.result.undelivered, refused.result.retained) == (_EVENTS - 1, 1, 0)
    assert [(error.status, error.count) for error in refused.result.errors] == [(400, 1)]


def test_bad_events_of_several_are_their_own(client: FormoAnalytics, transport: GatedTransport) -> None:
    """Nor do the bad events of five invocations in one request cost any other a good event."""
    free = transport.fill(client)
    others = _others(client)
    refused = [Invocation(client, f"refused {number}", bad=1) for number in range(5)]
    mixed = [each for number in range(5) for each in (*others[number * 4 : number * 4 + 4], refused[number])]
    threads = _start(mixed)
    free()
    _join(threads)
    assert _shared(transport)
    _assert_whole(others, transport)
    assert [(each.result.sent, each.result.undelivered) for each in refused] == [(_EVENTS - 1, 1)] * 5


def test_a_deadline_while_waiting_is_its_own_invocations(client: FormoAnalytics, transport: GatedTransport) -> None:
    """Who runs out of time before there is a place goes on, and the others are sent when there is one."""
    free = transport.fill(client)
    others = _others(client)
    hasty = Invocation(client, "hasty", timeout=0.2)
    threads = _start([*others[:10], hasty, *others[10:]])
    wait_until(lambda: hasty._result is not None, "the one with the short deadline has gone on")
    assert hasty.seconds < 0.2 + 0.25
    assert (hasty.result.sent, hasty.result.retained) == (0, _EVENTS)
    free()
    _join(threads)
    assert _shared(transport)
    for each in others:
        # What was retained for the hasty one may leave with any of them.
        assert each.result.sent in {_EVENTS, 2 * _EVENTS}
        assert each.result.ok
    transport.open_all()
    assert client.flush().ok
    assert set(hasty.ids) <= set(transport.accepted)


@pytest.mark.parametrize("hasty_first", [True, False])
def test_a_deadline_under_way_is_its_own_invocations(
    client: FormoAnalytics, transport: GatedTransport, *, hasty_first: bool
) -> None:
    """Who runs out of time while a shared request is under way goes on, and the others are sent, whoever sends it."""
    free = transport.fill(client)
    others = _others(client)
    hasty = [Invocation(client, f"hasty {number}", timeout=0.4) for number in range(5)]
    threads = _start([*hasty, *others] if hasty_first else [*others, *hasty])
    transport.delay[:] = [0.8, 0.0]
    free()
    _join(threads)
    assert _shared(transport)
    for each in hasty:
        assert each.seconds < 0.4 + 0.25
        assert each.result.sent + each.result.retained >= _EVENTS
        assert each.result.undelivered == 0
    for each in others:
        assert each.result.sent >= _EVENTS
        assert each.result.ok
        assert set(each.ids) <= set(transport.accepted)
    transport.open_all()
    assert client.flush().ok
    tracked = (len(others) + len(hasty)) * _EVENTS + PLACES + 1
    assert (client.stats.tracked, client.stats.sent, client.stats.buffered) == (tracked, tracked, 0)


def test_a_deadline_says_nothing_of_a_server_that_answers(client: FormoAnalytics, transport: GatedTransport) -> None:
    """Where one request has no answer by its sender's short deadline, and others have, nobody is kept from sending."""
    free = transport.fill(client, last_timeout=0.4)
    before, after = _others(client)[:10], _others(client)[10:]
    threads = _start(before)
    free()
    _join(threads)
    _assert_whole(before, transport)
    wait_until(lambda: transport.under_way == PLACES - 2, "the one with the short deadline has gone on")
    transport.open_last()  # What was retained for it may leave with the others.
    _join(_start(after))
    for each in after:
        assert each.result.sent >= _EVENTS
        assert each.result.ok


@pytest.mark.parametrize("moment", ["waiting", "under way"])
def test_a_cancellation_is_its_own_tasks(client: FormoAnalytics, transport: GatedTransport, moment: str) -> None:
    """A task that is cancelled ends at once, waiting or under way; the others and its own events are sent."""
    free = transport.fill(client)
    others = _others(client)
    cancelled = Invocation(client, "cancelled")

    async def main() -> float:
        loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(each.run_async()) for each in [*others[:10], cancelled, *others[10:]]]
        await asyncio.sleep(0.1)
        if moment == "under way":
            transport.delay[:] = [0.5]
            await loop.run_in_executor(None, free)
            await asyncio.sleep(0.1)
        began = time.monotonic()
        tasks[10].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[10]
        took = time.monotonic() - began
        if moment == "waiting":
            await loop.run_in_executor(None, free)
        await asyncio.gather(*tasks[:10], *tasks[11:])
        return took

    assert asyncio.run(main()) < 0.25
    assert _shared(transport)
    for each in others:
        assert each.result.sent >= _EVENTS
        assert each.result.ok
        assert set(each.ids) <= set(transport.accepted)
    transport.open_all()
    assert client.flush().ok
    assert set(cancelled.ids) <= set(transport.accepted)
    tracked = (_OTHERS + 1) * _EVENTS + PLACES + 1
    assert (client.stats.tracked, client.stats.sent, client.stats.buffered) == (tracked, tracked, 0)


def test_what_one_discards_is_its_own(client: FormoAnalytics, transport: GatedTransport) -> None:
    """A failing handler whose events are to be discarded takes no other's with it, and none of its own is sent."""
    free = transport.fill(client)
    others = _others(client)
    failing = [Invocation(client, f"failing {number}", fails=True) for number in range(5)]
    threads = _start([*others[:10], *failing, *others[10:]])
    free()
    _join(threads)
    assert _shared(transport)
    _assert_whole(others, transport)
    for each in failing:
        assert (each.result.discarded, each.result.sent, each.result.ok) == (_EVENTS, 0, True)
        assert set(each.ids).isdisjoint(transport.accepted)


# -- any of these at once ----------------------------------------------------------------------------------------------


class Plan(NamedTuple):
    """What one invocation does."""

    events: int
    timeout: float
    fails: bool
    bad: int = 0


@st.composite
def _plans(draw: st.DrawFn, timeouts: Sequence[float]) -> list[Plan]:
    """Many invocations, one of which may have bad events."""
    fails = st.sampled_from([False, False, False, True])
    plan = st.builds(Plan, st.integers(1, 6), st.sampled_from(timeouts), fails, st.just(0))
    plans = draw(st.lists(plan, min_size=12, max_size=40))
    place = draw(st.integers(0, len(plans) - 1))
    plans[place] = plans[place]._replace(bad=draw(st.integers(0, min(2, plans[place].events))))
    return plans


#: Nothing is made smaller after a failure: threads never run the same way twice.
_briefly = settings(max_examples=20, phases=[Phase.explicit, Phase.reuse, Phase.generate])
_DELAYS = st.lists(st.sampled_from([0.005, 0.01, 0.02, 0.03]), min_size=1, max_size=8)


def _run_all(
    plans: Sequence[Plan], delays: Sequence[float], flush_at: int
) -> tuple[FormoAnalytics, GatedTransport, list[Invocation]]:
    """Have these invocations begin at once; check what holds of each result by itself."""
    transport = GatedTransport(*delays)
    client = _warm(FormoAnalytics("test-key", transport=transport, flush_at=flush_at), transport)
    invocations = [
        Invocation(
            client,
            str(number),
            bad=plan.bad,
            timeout=plan.timeout,
            fails=plan.fails,
            count=plan.events,
        )
        for number, plan in enumerate(plans)
    ]

    def run(each: Invocation) -> Callable[[], None]:
        def work() -> None:
            each.run()
            each.arrived = len(set(each.ids) & set(transport.accepted))

        return work

    at_once([run(each) for each in invocations])
    for each in invocations:
        result = each.result
        assert each.seconds < each.timeout + 1.5
        assert result.discarded == (each.count if each.fails else 0)
        assert result.ok == (not result.retained + result.undelivered) == (not result.errors)
    assert transport.most <= PLACES
    return client, transport, invocations


def _check_totals(client: FormoAnalytics, transport: GatedTransport, invocations: Sequence[Invocation]) -> None:
    """Flush what was kept, and check that each event had one fate, which the server agrees with."""
    last = client.flush(10.0)
    assert last.retained == 0
    kept = [each for each in invocations if not each.fails]
    bad = sum(each.bad for each in kept)
    totals = client.stats
    assert totals.tracked == sum(each.count for each in invocations) + 1  # the one that warmed it up
    assert totals.discarded == sum(each.count for each in invocations if each.fails)
    assert (totals.undelivered, totals.buffered, totals.retained) == (bad, 0, 0)
    assert totals.sent == totals.tracked - totals.discarded - bad
    good = {message_id for each in kept for message_id in each.ids[each.bad :]}
    assert set(transport.accepted) == good
    results = [*(each.result for each in invocations), last]
    sent = sum(result.sent for result in results)
    undelivered = sum(result.undelivered for result in results)
    retained = sum(result.retained for result in results)
    assert sent <= totals.sent - 1 <= sent + retained
    assert undelivered <= totals.undelivered <= undelivered + retained


@_briefly
@given(_plans([10.0]), _DELAYS, st.sampled_from([2, 4, 20]))
def test_with_time_each_result_is_its_own(plans: list[Plan], delays: list[float], flush_at: int) -> None:
    """Whatever bad events and failing handlers are beside it: who has time has its good events sent, and no more."""
    client, transport, invocations = _run_all(plans, delays, flush_at)
    for each in invocations:
        kept, bad = (0, 0) if each.fails else (each.count, each.bad)
        assert each.result[:4] == (kept - bad, 0, 0, bad)
        assert each.arrived == kept - bad
        assert [error.status for error in each.result.errors] == [400] * bool(bad)
        assert sum(error.count for error in each.result.errors) == bad
    _check_totals(client, transport, invocations)


@_briefly
@given(_plans([0.01, 0.03, 0.1, 10.0, 10.0]), _DELAYS, st.sampled_from([2, 4, 20]))
def test_short_deadlines_cost_nobody_else(plans: list[Plan], delays: list[float], flush_at: int) -> None:
    """Beside those who run out of time, who has time has its good events sent; each event has one fate in the end."""
    client, transport, invocations = _run_all(plans, delays, flush_at)
    for each in invocations:
        if each.fails:
            continue
        result = each.result
        # What others had retained may leave with any flush, and counts in its result, too.
        assert result.sent + result.retained + result.undelivered >= each.count
        if each.timeout == 10.0:
            assert result.retained == 0
            assert each.arrived == each.count - each.bad
            assert result.sent >= each.count - each.bad
            assert result.undelivered >= each.bad
    _check_totals(client, transport, invocations)
