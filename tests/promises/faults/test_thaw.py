"""A connection that died while the process was frozen costs one extra attempt at most: no backoff, no loss."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import pytest

from . import behaviours
from .waiting import wait_until

if TYPE_CHECKING:
    from formo_lambda import FormoAnalytics

    from .conftest import MakeClient
    from .fault_server import FaultServer

#: No retry but the one that must not count.
_NO_RETRIES = 0


def _deliver(client: FormoAnalytics, count: int = 1, timeout: float = 2.0) -> set[str]:
    before = client.stats.sent
    ids = {client.track("Thawed", properties={"padding": "x" * 600}) for _ in range(count)}
    result = client.flush(timeout)
    # Full buffers may have left before the flush: what they sent shows in the totals only.
    assert (result.retained, result.undelivered, client.stats.sent - before) == (0, 0, count), result
    return ids


def _once_each(server: FaultServer, ids: set[str]) -> bool:
    view = server.ledger.deduplicated()
    return set(view) == ids == server.ledger.accepted() and all(
        len(server.ledger.accepted_times(each)) == 1 for each in ids
    )


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_connection_ended_while_idle_is_replaced(
    server: FaultServer, make_client: MakeClient, how: Literal["fin", "rst"]
) -> None:
    """The next flush delivers at once on a fresh connection, every event once."""
    client = make_client(retry_count=_NO_RETRIES)
    ids = _deliver(client)
    wait_until(lambda: server.cut_idle(how) > 0)
    started = time.monotonic()
    ids |= _deliver(client)
    assert time.monotonic() - started < 0.5
    assert _once_each(server, ids)
    assert len(server.ledger.requests) == 2


@pytest.mark.parametrize("how", [behaviours.resets_before_reading, behaviours.resets_after_reading, behaviours.closes])
def test_a_connection_that_dies_under_the_request_costs_one_uncounted_attempt(
    server: FaultServer, make_client: MakeClient, how: behaviours.Behaviour
) -> None:
    """Without any retry allowed, the batch still goes out once more on a fresh connection, and arrives once."""
    server.switch(behaviours.cuts_reused(how))
    client = make_client(retry_count=_NO_RETRIES)
    ids = _deliver(client)
    before = server.ledger.connections
    ids |= _deliver(client)
    assert _once_each(server, ids)
    assert server.ledger.connections == before + 1
    assert client.stats.retained == 0


def test_a_black_hole_after_a_pause_leaves_time_for_a_fresh_connection(
    server: FaultServer, make_client: MakeClient
) -> None:
    """A connection that swallows everything after more than a second of rest does not cost the flush its events."""
    client = make_client(retry_count=_NO_RETRIES)
    ids = _deliver(client)
    time.sleep(1.2)  # a rest in which connections begin to be doubted
    wait_until(lambda: server.cut_idle("blackhole") > 0)
    ids |= _deliver(client)
    assert _once_each(server, ids)


def test_a_black_hole_that_eats_the_budget_loses_nothing(server: FaultServer, make_client: MakeClient) -> None:
    """Whatever the flush into a black hole makes of it, it ends on time, and the next one delivers."""
    client = make_client(retry_count=_NO_RETRIES)
    ids = _deliver(client)
    wait_until(lambda: server.cut_idle("blackhole") > 0)
    ids.add(client.track("Swallowed"))
    started = time.monotonic()
    result = client.flush(0.3)
    assert time.monotonic() - started < 0.3 + 0.25
    assert result.sent + result.retained == 1
    client.flush(2.0)
    assert _once_each(server, ids)


def test_a_short_attempt_leaves_a_black_hole_at_once(server: FaultServer, make_client: MakeClient) -> None:
    """With attempts of 0.3 s the fresh connection follows within the flush."""
    client = make_client(retry_count=3, request_timeout=0.3)
    ids = _deliver(client)
    wait_until(lambda: server.cut_idle("blackhole") > 0)
    ids |= _deliver(client)
    assert _once_each(server, ids)


@pytest.mark.parametrize("how", ["fin", "rst", "reuse"])
def test_all_connections_may_be_dead_at_once(server: FaultServer, make_client: MakeClient, how: str) -> None:
    """After a freeze that killed every connection of the pool, no batch needs a retry that counts."""
    client = make_client(retry_count=_NO_RETRIES, flush_at=100, max_queue_size=1_000)
    server.switch(behaviours.slow(0.1))  # so that batches overlap and several connections are opened
    ids = _deliver(client, 8)
    assert server.ledger.connections > 1
    if how == "reuse":
        server.switch(behaviours.cuts_reused(behaviours.resets_before_reading))
    else:
        server.lift()
        wait_until(lambda: server.cut_idle("fin" if how == "fin" else "rst") > 0)
    ids |= _deliver(client, 8)
    assert _once_each(server, ids)


def test_a_connection_idle_for_a_minute_is_not_reused(
    server: FaultServer, client: FormoAnalytics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the wall clock, which a frozen process sees jump, the connection is too old, though it is alive."""
    ids = _deliver(client)
    before = server.ledger.connections
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 60.0)
    ids |= _deliver(client)
    assert _once_each(server, ids)
    assert server.ledger.connections == before + 1


def test_a_connection_just_used_is_reused(server: FaultServer, client: FormoAnalytics) -> None:
    """Three flushes in a row take one connection."""
    for _ in range(3):
        _deliver(client)
    assert server.ledger.connections == 1
