"""When the fault is over, a flush by name delivers everything, whatever else is still under way or stuck."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda import FormoAnalytics, formo_flush

from . import behaviours
from .waiting import wait_until

if TYPE_CHECKING:
    from .conftest import MakeClient
    from .fault_server import FaultServer


def _everything_arrived(server: FaultServer, client: FormoAnalytics, ids: list[str]) -> bool:
    stats = client.stats
    return (stats.sent, stats.buffered, stats.retained) == (len(ids), 0, 0) and set(server.ledger.accepted()) == set(
        ids
    )


@pytest.mark.parametrize(
    "behaviour",
    [behaviours.never_answers, behaviours.drips_headers, behaviours.slow(3.0)],
    ids=["silent", "drip", "slow"],
)
def test_connections_that_stay_stuck_do_not_hold_what_was_kept(
    server: FaultServer, make_client: MakeClient, behaviour: behaviours.Behaviour
) -> None:
    """The server is well for new requests while every old exchange hangs on: the next flush delivers ten batches."""
    # The exchanges under way end with their own timeout, within the flush that waits for them.
    client = make_client(flush_at=100, max_queue_size=1_000, request_timeout=1.0)
    server.switch(behaviour)
    ids = [client.track("Kept", properties={"padding": "x" * 600}) for _ in range(10)]
    assert not client.flush(0.3).ok
    server.lift(abandon=False)
    client.flush(5.0)
    assert _everything_arrived(server, client, ids), client.stats


def test_a_flush_by_name_waits_for_what_an_invocation_left_under_way(
    server: FaultServer, make_client: MakeClient
) -> None:
    """Events that left early and outlast their invocation's flush are not out of sight for the next flush by name."""
    client = make_client(flush_at=2)
    ids: list[str] = []

    @formo_flush(timeout=0.2)
    def handler(event: object, context: object) -> None:
        ids.extend(client.track("Early", properties={"number": number}) for number in range(2))
        wait_until(lambda: len(server.ledger.requests) == 1)

    server.switch(behaviours.slow(1.0))
    handler({}, None)
    assert client.stats.sent == 0
    result = client.flush(4.0)
    assert _everything_arrived(server, client, ids), (client.stats, result)
    assert (result.retained, result.ok, result.errors) == (0, True, ())


def test_a_flush_by_name_does_not_settle_for_a_failed_probe(server: FaultServer, client: FormoAnalytics) -> None:
    """It meets the one cautious request after an outage; that one fails, and the flush still has time to deliver."""
    ids: list[str] = []

    @formo_flush(timeout=0.3)
    def handler(event: object, context: object) -> None:
        ids.append(client.track("Invoked"))

    server.switch(behaviours.never_answers)
    handler({}, None)
    requests = len(server.ledger.requests)
    end = time.monotonic() + 10.0
    while len(server.ledger.requests) == requests:
        assert time.monotonic() < end, "nobody probed"
        handler({}, None)
        time.sleep(0.05)
    server.lift()  # which cuts the probe off
    result = client.flush(4.0)
    assert _everything_arrived(server, client, ids), (client.stats, result)
    assert (result.retained, result.ok, result.errors) == (0, True, ())
