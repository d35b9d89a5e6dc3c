"""Invocations that overlap do not mix, and none waits for another's fault."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

from formo_lambda import FormoAnalytics, formo_flush

from . import behaviours
from .fault_server import FaultServer

if TYPE_CHECKING:
    from .conftest import MakeClient
    from .exchange import Exchange

_INVOCATIONS = 8
_EVENTS = 5


def _run_at_once(calls: list[threading.Thread]) -> None:
    for call in calls:
        call.start()
    for call in calls:
        call.join(20.0)
        assert not call.is_alive()


def test_each_thread_delivers_its_own(server: FaultServer, client: FormoAnalytics) -> None:
    """Eight handlers inside their bodies at the same time: when one returns, its own events have arrived."""
    inside = threading.Barrier(_INVOCATIONS)
    missing: list[set[str]] = []
    ids: list[str] = []

    @formo_flush(timeout=5.0)
    def handler(event: dict[str, int], context: object) -> list[str]:
        mine = [client.track("Overlapping", properties={"invocation": event["number"]}) for _ in range(_EVENTS)]
        inside.wait(10.0)
        return mine

    def invoke(number: int) -> None:
        mine = handler({"number": number}, None)
        missing.append(set(mine) - server.ledger.accepted())
        ids.extend(mine)

    _run_at_once([threading.Thread(target=invoke, args=[number], daemon=True) for number in range(_INVOCATIONS)])
    assert missing == [set()] * _INVOCATIONS
    assert server.ledger.accepted() == set(ids)
    assert all(len(server.ledger.accepted_times(each)) == 1 for each in ids)


def test_each_task_delivers_its_own(server: FaultServer, client: FormoAnalytics) -> None:
    """Likewise with eight coroutine handlers on one loop."""
    missing: list[set[str]] = []

    async def main() -> None:
        inside = 0
        everyone = asyncio.Event()

        @formo_flush(timeout=5.0)
        async def handler(event: dict[str, int], context: object) -> list[str]:
            nonlocal inside
            mine = [client.track("Overlapping", properties={"invocation": event["number"]}) for _ in range(_EVENTS)]
            inside += 1
            if inside == _INVOCATIONS:
                everyone.set()
            await asyncio.wait_for(everyone.wait(), 10.0)
            return mine

        async def invoke(number: int) -> None:
            mine = await handler({"number": number}, None)
            missing.append(set(mine) - server.ledger.accepted())

        await asyncio.gather(*(invoke(number) for number in range(_INVOCATIONS)))

    asyncio.run(main())
    assert missing == [set()] * _INVOCATIONS
    assert len(server.ledger.accepted()) == _INVOCATIONS * _EVENTS == client.stats.sent


def _slow_when_marked(exchange: Exchange) -> None:
    request = exchange.read()
    if any("slow" in event["properties"] for event in request.events):
        exchange.pause(2.0)
    exchange.accept(request)


def test_no_thread_waits_for_the_batch_of_another(server: FaultServer, client: FormoAnalytics) -> None:
    """While one invocation's batch takes two seconds, those beside it are delivered and gone."""
    server.switch(_slow_when_marked)
    client.track("Warm")
    client.flush()
    took: dict[int, float] = {}

    @formo_flush(timeout=4.0)
    def handler(event: dict[str, int], context: object) -> str:
        return client.track("Overlapping", properties={"slow": 1} if event["number"] == 0 else {})

    def invoke(number: int) -> None:
        if number:
            time.sleep(0.2)  # the slow one first
        began = time.monotonic()
        mine = handler({"number": number}, None)
        took[number] = time.monotonic() - began
        assert mine in server.ledger.accepted()

    _run_at_once([threading.Thread(target=invoke, args=[number], daemon=True) for number in range(_INVOCATIONS)])
    assert len(took) == _INVOCATIONS
    assert max(seconds for number, seconds in took.items() if number) < 1.0
    assert took[0] >= 1.9


def test_no_task_waits_for_the_batch_of_another(server: FaultServer, client: FormoAnalytics) -> None:
    """Likewise on one loop."""
    server.switch(_slow_when_marked)
    took: dict[int, float] = {}

    @formo_flush(timeout=4.0)
    async def handler(event: dict[str, int], context: object) -> str:
        return client.track("Overlapping", properties={"slow": 1} if event["number"] == 0 else {})

    async def invoke(number: int) -> None:
        if number:
            await asyncio.sleep(0.2)
        began = time.monotonic()
        mine = await handler({"number": number}, None)
        took[number] = time.monotonic() - began
        assert mine in server.ledger.accepted()

    async def main() -> None:
        await asyncio.gather(*(invoke(number) for number in range(_INVOCATIONS)))

    asyncio.run(main())
    assert max(seconds for number, seconds in took.items() if number) < 1.0


def test_one_client_does_not_wait_for_another(server: FaultServer, make_client: MakeClient) -> None:
    """An invocation that writes to a healthy and to a silent server pays one budget and delivers the one."""
    with FaultServer() as silent:
        silent.switch(behaviours.never_answers)
        well, ill = make_client(), make_client(api_host=silent.url)

        @formo_flush(timeout=0.5)
        def handler(event: object, context: object) -> None:
            ill.track("Kept")
            well.track("Sent")

        started = time.monotonic()
        handler({}, None)
        assert time.monotonic() - started < 0.5 + 0.25
        assert (well.stats.sent, well.stats.retained) == (1, 0)
        assert (ill.stats.sent, ill.stats.retained) == (0, 1)
        silent.lift()
        assert ill.flush(2.0).sent == 1


def test_an_awaited_flush_leaves_the_loop_alone(server: FaultServer, client: FormoAnalytics) -> None:
    """While a silent server is waited for, other tasks run on; no pause of theirs comes near the wait."""
    server.switch(behaviours.never_answers)
    client.track("Awaited")
    gaps: list[float] = []

    async def beat() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    async def main() -> None:
        beating = asyncio.create_task(beat())
        await client.aflush(1.0)
        beating.cancel()

    asyncio.run(main())
    assert len(gaps) > 20
    assert max(gaps) < 0.3
