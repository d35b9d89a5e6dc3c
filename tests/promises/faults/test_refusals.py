"""What the server refuses for good is handed over; what it refuses for its size or its neighbours is not lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import DeliveryError

from . import behaviours
from .conftest import KEY, MakeClient
from .waiting import wait_until

if TYPE_CHECKING:
    from .exchange import Exchange
    from .fault_server import FaultServer

_MOST_EXTRA_REQUESTS = 32


class Sink:
    """Takes what is given up, as an `on_undelivered`."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.errors: list[Exception] = []

    def __call__(self, events: list[dict[str, Any]], error: Exception) -> None:
        """Keep both."""
        self.events += events
        self.errors.append(error)

    @property
    def ids(self) -> list[str]:
        """The message ids of the events."""
        return [str(event["message_id"]) for event in self.events]


@pytest.mark.parametrize("status", [401, 403, 404, 301])
def test_a_refusal_hands_the_events_over(server: FaultServer, make_client: MakeClient, status: int) -> None:
    """The sink gets the events as sent, once, with the status; they are not tried again, and the key is not told."""
    server.switch(behaviours.status(status))
    sink = Sink()
    client = make_client(on_undelivered=sink)
    ids = [client.track("Refused", properties={"number": number}) for number in range(3)]
    result = client.flush()
    assert (result.sent, result.retained, result.undelivered, result.requests) == (0, 0, 3, 1)
    assert [(error.status, error.count, error.transient) for error in result.errors] == [(status, 3, False)]
    wait_until(lambda: len(sink.events) == 3)
    assert sink.ids == ids
    assert [event["properties"] for event in sink.events] == [{"number": number} for number in range(3)]
    assert all("sent_at" in event for event in sink.events)
    assert [type(error) for error in sink.errors] == [DeliveryError]
    assert KEY not in f"{sink.events!r} {sink.errors!r} {result!r}"
    server.lift()
    client.flush()
    assert len(server.ledger.requests) == 1


def test_a_sink_that_raises_harms_nobody(server: FaultServer, make_client: MakeClient) -> None:
    """The flush reports as if the sink had worked, and the client goes on."""

    def sink(events: list[dict[str, Any]], error: Exception) -> None:
        raise RuntimeError("the sink is full")

    server.switch(behaviours.status(401))
    client = make_client(on_undelivered=sink)
    client.track("Refused")
    assert client.flush().undelivered == 1
    server.lift()
    client.track("Accepted")
    assert client.flush().sent == 1


def test_a_slow_sink_does_not_hold_the_flush(server: FaultServer, make_client: MakeClient) -> None:
    """The wait for the sink ends with the flush's budget."""
    server.switch(behaviours.status(401))
    client = make_client(on_undelivered=lambda events, error: time.sleep(2.0))
    client.track("Refused")
    started = time.monotonic()
    assert client.flush(0.3).undelivered == 1
    assert time.monotonic() - started < 1.0


def test_a_sink_may_use_the_client(server: FaultServer, make_client: MakeClient) -> None:
    """Tracking and flushing from within the sink neither blocks nor recurses without end."""
    calls: list[int] = []

    def sink(events: list[dict[str, Any]], error: Exception) -> None:
        calls.append(len(events))
        server.lift()
        client.track("Sink Called")
        client.flush(0.2)

    server.switch(behaviours.status(401))
    client = make_client(on_undelivered=sink)
    client.track("Refused")
    started = time.monotonic()
    assert client.flush(1.0).undelivered == 1
    assert time.monotonic() - started < 2.0
    wait_until(lambda: calls == [1])
    client.flush(2.0)
    assert [event["event"] for event in server.ledger.deduplicated().values()] == ["Sink Called"]


def test_a_batch_too_large_for_the_server_is_split_until_it_fits(server: FaultServer, make_client: MakeClient) -> None:
    """Forty events arrive through a server that takes 2 000 bytes at a time."""
    server.switch(behaviours.too_large_above(2_000))
    client = make_client(flush_at=100)
    ids = {client.track("Large", properties={"padding": "x" * 100}) for _ in range(40)}
    result = client.flush(5.0)
    assert (result.sent, result.retained, result.undelivered) == (40, 0, 0)
    assert server.ledger.accepted() == ids
    assert all(len(server.ledger.accepted_times(each)) == 1 for each in ids)


def test_one_event_too_large_for_the_server_is_given_up_alone(server: FaultServer, make_client: MakeClient) -> None:
    """Its neighbours arrive."""
    server.switch(behaviours.too_large_above(2_000))
    sink = Sink()
    client = make_client(flush_at=100, on_undelivered=sink)
    small = {client.track("Small") for _ in range(5)}
    large = client.track("Large", properties={"padding": "x" * 2_000})
    small |= {client.track("Small") for _ in range(5)}
    result = client.flush(5.0)
    assert (result.sent, result.undelivered) == (10, 1)
    assert server.ledger.accepted() == small
    wait_until(lambda: sink.ids == [large])


@pytest.mark.parametrize("poisoned", [[0], [98], [49], [0, 98], [48, 49], [33, 66]], ids=str)
def test_bad_events_are_isolated(server: FaultServer, make_client: MakeClient, poisoned: list[int]) -> None:
    """Of ninety-nine events in one refused batch only the bad ones are given up, within 32 further requests."""
    server.switch(behaviours.refuses_poison)
    sink = Sink()
    client = make_client(flush_at=100, on_undelivered=sink)
    ids = [client.track("Mixed", properties={"poison": 1} if n in poisoned else {"n": n}) for n in range(99)]
    result = client.flush(5.0)
    assert (result.sent, result.undelivered, result.retained) == (99 - len(poisoned), len(poisoned), 0)
    assert result.requests == len(server.ledger.requests) <= 1 + _MOST_EXTRA_REQUESTS
    wait_until(lambda: len(sink.events) == len(poisoned))
    assert sorted(sink.ids) == sorted(ids[n] for n in poisoned)
    assert server.ledger.accepted() == set(ids) - set(sink.ids)


def test_isolation_gives_up_where_it_would_cost_too_much(server: FaultServer, make_client: MakeClient) -> None:
    """A batch of nothing but bad events costs at most 32 further requests, and every event is accounted for."""
    server.switch(behaviours.refuses_poison)
    client = make_client(flush_at=100)
    for _ in range(99):
        client.track("Bad", properties={"poison": 1})
    result = client.flush(5.0)
    assert (result.sent, result.undelivered, result.retained) == (0, 99, 0)
    assert len(server.ledger.requests) <= 1 + _MOST_EXTRA_REQUESTS


def test_isolation_ends_with_the_budget(server: FaultServer, make_client: MakeClient) -> None:
    """A server that refuses slowly is not asked on and on; what was not isolated is kept or given up, not lost."""

    def slow_refusal(exchange: Exchange) -> None:
        exchange.pause(0.15)
        behaviours.refuses_poison(exchange)

    server.switch(slow_refusal)
    client = make_client(flush_at=100)
    for number in range(99):
        client.track("Mixed", properties={"poison": 1} if number % 9 == 0 else {})
    started = time.monotonic()
    client.flush(0.5)
    assert time.monotonic() - started < 1.0
    server.lift()
    client.flush(5.0)
    stats = client.stats
    assert (stats.buffered, stats.retained) == (0, 0)
    assert stats.sent + stats.undelivered == 99
