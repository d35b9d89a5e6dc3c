"""Over a whole outage: the first invocation pays one budget, the others next to nothing, and everything arrives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda import formo_flush

from . import behaviours

if TYPE_CHECKING:
    from .conftest import MakeClient
    from .fault_server import FaultServer

_BUDGET = 0.5
_OUTAGE = 6.0
_EVERY = 0.05


@pytest.mark.parametrize("behaviour", [behaviours.never_answers, behaviours.status(503)])
def test_an_outage_is_paid_for_once(
    server: FaultServer, make_client: MakeClient, behaviour: behaviours.Behaviour
) -> None:
    """Six seconds down, an invocation every 50 ms: one budget, one short probe, and no event is missing."""
    client = make_client()
    ids: list[str] = []

    @formo_flush(timeout=_BUDGET)
    def handler(event: object, context: object) -> str:
        ids.append(client.track("Invoked"))
        return "value"

    server.switch(behaviour)
    took: list[float] = []
    end = time.monotonic() + _OUTAGE
    while (began := time.monotonic()) < end:
        assert handler({}, None) == "value"
        took.append(time.monotonic() - began)
        time.sleep(max(0.0, _EVERY - took[-1]))
    first, *rest = took
    assert first <= _BUDGET + 0.25
    # After the first pause, which is five seconds, one invocation waits for the probe, a quarter second at most.
    slow = [each for each in rest if each > 0.1]
    assert len(slow) <= 2, f"{len(slow)} of {len(rest)} invocations paid: {slow}"
    assert all(each <= 0.25 + 0.25 for each in slow)
    assert sorted(rest)[len(rest) // 2] < 0.02
    stats = client.stats
    assert (stats.tracked, stats.sent, stats.undelivered) == (len(ids), 0, 0)
    # Retries of one flush and one probe; not a request an invocation.
    assert len(server.ledger.requests) <= 12

    server.lift()
    result = client.flush(5.0)
    assert (result.retained, client.stats.retained, client.stats.buffered) == (0, 0, 0)
    assert server.ledger.accepted() == set(ids)
    assert all(len(server.ledger.accepted_times(each)) == 1 for each in ids)


def test_an_invocation_without_events_never_pays(server: FaultServer, make_client: MakeClient) -> None:
    """While events are kept and the server is silent, a handler that tracks nothing returns at once."""
    client = make_client()
    server.switch(behaviours.never_answers)
    client.track("Kept")
    client.flush(0.2)

    @formo_flush
    def handler(event: object, context: object) -> None:
        pass

    started = time.monotonic()
    for _ in range(20):
        handler({}, None)
    assert time.monotonic() - started < 0.2


def test_a_recovered_server_gets_what_was_kept_without_being_asked(
    server: FaultServer, make_client: MakeClient
) -> None:
    """After the pause an invocation finds the server well again and the kept events leave with its own."""
    client = make_client()
    ids: list[str] = []

    @formo_flush(timeout=_BUDGET)
    def handler(event: object, context: object) -> None:
        ids.append(client.track("Invoked"))

    server.switch(behaviours.status(503))
    handler({}, None)
    server.lift()
    end = time.monotonic() + 12.0
    while client.stats.retained or len(ids) < 2:
        assert time.monotonic() < end, f"still {client.stats}"
        handler({}, None)
        time.sleep(0.2)
    assert client.stats.undelivered == 0
    client.flush()
    assert server.ledger.accepted() == set(ids)
