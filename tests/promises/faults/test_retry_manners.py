"""How a client tries again: late enough, spread out, never too often, never past its deadline."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from . import behaviours

if TYPE_CHECKING:
    from formo_lambda import FormoAnalytics

    from .conftest import MakeClient
    from .fault_server import FaultServer


@pytest.mark.parametrize("pause", [behaviours.retry_after_seconds(1), behaviours.retry_after_date(2, 503)])
def test_retry_after_is_a_minimum(server: FaultServer, client: FormoAnalytics, pause: behaviours.Behaviour) -> None:
    """The second attempt comes no earlier than the server asked for, be it in seconds or as a date."""
    server.switch(behaviours.first_requests(1, pause))
    client.track("Throttled")
    assert client.flush(6.0).sent == 1
    first, second = server.ledger.requests
    # A date has whole seconds: two seconds ahead are at least one.
    assert second.at - first.at >= 0.99


@pytest.mark.parametrize("pause", [behaviours.retry_after_seconds(60), behaviours.retry_after_date(60)])
def test_a_pause_that_does_not_fit_ends_the_flush_at_once(
    server: FaultServer, client: FormoAnalytics, pause: behaviours.Behaviour
) -> None:
    """A flush of two seconds does not wait for a minute, nor for two seconds: the events are kept after one request."""
    server.switch(pause)
    client.track("Throttled")
    started = time.monotonic()
    result = client.flush(2.0)
    assert time.monotonic() - started < 0.75
    assert (result.retained, result.requests) == (1, 1)


@pytest.mark.parametrize(
    "value", ["", "soon", "-5", "1e9", "99999999999999999999", "Mon, 99 Foo 2026 00:00:00 GMT", "\xb2"]
)
def test_an_odd_retry_after_is_survived(server: FaultServer, client: FormoAnalytics, value: str) -> None:
    """Whatever stands there, the flush ends on time and keeps or delivers the event."""
    server.switch(behaviours.first_requests(1, behaviours.status(429, lambda: {"Retry-After": value})))
    client.track("Throttled")
    started = time.monotonic()
    result = client.flush(1.0)
    assert time.monotonic() - started < 1.25
    assert result.sent + result.retained == 1
    assert client.flush(2.0).retained == 0
    assert len(server.ledger.accepted()) == 1


def test_nothing_is_started_after_the_flush(server: FaultServer, client: FormoAnalytics) -> None:
    """Once a failed flush has returned, no further request goes out on its behalf."""
    server.switch(behaviours.status(500))
    client.track("Failed")
    client.flush(0.5)
    before = len(server.ledger.requests)
    time.sleep(0.7)
    assert len(server.ledger.requests) == before


def test_a_hundred_clients_keep_their_manners(server: FaultServer, make_client: MakeClient) -> None:
    """Against a 429 nobody sends a batch more often than retry_count + 1 times, and they do not march in step."""
    server.switch(behaviours.status(429))
    clients = [make_client(retry_count=2) for _ in range(100)]
    start = threading.Barrier(len(clients))

    def flush(client: FormoAnalytics) -> None:
        client.track("Throttled")
        start.wait(20.0)
        client.flush(3.0)

    threads = [threading.Thread(target=flush, args=[client], daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20.0)
    attempts = server.ledger.attempts
    assert len(attempts) == 100
    assert max(attempts.values()) <= 3
    assert sum(attempts.values()) > 200, "hardly anybody tried again"
    times = defaultdict(list)
    for request in server.ledger.requests:
        times[request.ids].append(request.at)
    gaps = [each[1] - each[0] for each in times.values() if len(each) > 1]
    assert max(gaps) - min(gaps) > 0.1
    assert min(gaps) < 0.2, "this is not full jitter"


def test_the_jitter_does_not_come_from_the_clonable_generator(
    server: FaultServer, client: FormoAnalytics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot clones the random module's generator, so nothing asks it while a batch is tried again."""

    def asked(*args: object) -> float:
        raise AssertionError("the module's generator was asked")

    for name in ("random", "uniform", "expovariate", "randint", "betavariate"):
        monkeypatch.setattr(random, name, asked)
    server.switch(behaviours.status(500))
    client.track("Failed")
    result = client.flush(1.5)
    assert result.requests > 1
    assert result.retained == 1


def test_a_server_that_recovers_within_the_budget_costs_nothing(server: FaultServer, client: FormoAnalytics) -> None:
    """Two failures of the passing kind, then success: one flush delivers, and nothing is told."""
    server.switch(behaviours.first_requests(2, behaviours.status(503)))
    client.track("Tried Again")
    result = client.flush(5.0)
    assert (result.sent, result.requests, result.ok, result.errors) == (1, 3, True, ())


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_every_attempt_has_its_own_time_and_the_same_id(
    server: FaultServer, client: FormoAnalytics, status: int
) -> None:
    """The second attempt differs from the first in `sent_at` and in nothing else."""
    server.switch(behaviours.first_requests(1, behaviours.retry_after_seconds(1, status)))
    client.track("Tried Again")
    assert client.flush(5.0).sent == 1
    (first,), (second,) = (request.events for request in server.ledger.requests)
    assert first.pop("sent_at") != second.pop("sent_at")
    assert first == second
