"""Which invocation an event belongs to."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import pytest

from formo_lambda.delivery.buffer import Buffer
from formo_lambda.invocation.scope import current_scope
from tests.client.recorded import names
from tests.promises.faults.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda import FormoAnalytics
    from formo_lambda.invocation.invocation import Invocation
    from formo_lambda.options import OnException
    from formo_lambda.testing import RecordingTransport
    from tests.client.recorded import MakeClient


def run_in_thread(call: object) -> None:
    """Invocation something in a bare thread, which inherits no context, and wait for it."""
    thread = threading.Thread(target=call)  # type: ignore[arg-type] # any callable
    thread.start()
    thread.join()


def opened(client: FormoAnalytics) -> Invocation:
    """Return an invocation that is open elsewhere, as on another thread."""
    run = client.invocation()
    contextvars.copy_context().run(run.__enter__)
    return run


def test_events_leave_when_the_scope_ends(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Nothing leaves before, everything has arrived after."""
    with client.invocation() as run:
        client.track("Inside")
        assert transport.requests == []
    assert names(transport) == ["Inside"]
    assert run.result is not None
    assert (run.result.sent, run.result.ok) == (1, True)


def test_random_ids_are_not_stocked_beyond_an_invocation(
    client: FormoAnalytics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs on from a snapshot, which is taken between invocations, makes ids of what its own machine draws."""
    with client.invocation():
        client.track("Before")
    monkeypatch.setattr("os.urandom", bytes)
    with client.invocation():
        assert client.track("After") == "00000000-0000-4000-8000-000000000000"


def test_a_nested_scope_joins_the_outer(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Only the outermost flushes: one request, with the events of both in order."""
    with client.invocation():
        client.track("Before")
        with client.invocation() as inner:
            client.track("Nested")
        assert transport.requests == []
        assert inner.result is None
        client.track("After")
    assert names(transport) == ["Before", "Nested", "After"]
    assert len(transport.requests) == 1


def test_a_failed_nested_scope_follows_its_own_rule(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """It discards what was tracked in it and nothing else; the outer flush says how many those were."""
    with client.invocation() as outer:
        client.track("Before")
        with pytest.raises(ValueError, match="inner"), client.invocation(on_exception="discard"):
            client.track("Nested")
            client.track("Nested")
            raise ValueError("inner")
        client.track("After")
    assert names(transport) == ["Before", "After"]
    assert outer.result is not None
    assert (outer.result.sent, outer.result.discarded) == (2, 2)
    assert client.stats.discarded == 2


def test_a_nested_scope_of_a_discarded_one_is_discarded_with_it(
    client: FormoAnalytics, transport: RecordingTransport
) -> None:
    """What joined the outer scope shares its fate."""
    with pytest.raises(ValueError, match="outer"), client.invocation(on_exception="discard"):
        with client.invocation():
            client.track("Nested")
        client.track("Outer")
        raise ValueError("outer")
    assert transport.requests == []
    assert (client.stats.tracked, client.stats.discarded) == (2, 2)


def test_a_scope_that_may_be_discarded_sends_nothing_early(
    make_client: MakeClient, transport: RecordingTransport
) -> None:
    """Not even a full buffer leaves before the fate of the invocation is known, nested scopes included."""
    client = make_client(flush_at=2, flush_interval=1)
    with client.invocation(on_exception="discard"):
        for _ in range(10):
            client.track("Held")
            with client.invocation():
                client.track("Held")
        client._queue.stats()
        assert transport.requests == []
    assert len(transport.events) == 20


def test_a_scope_inside_out(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """An inner scope that outlives the outer one flushes by itself."""
    outer, inner = client.invocation(), None
    with outer.step():
        client.track("Outer")
        inner = client.invocation()
        with inner.step():
            client.track("Inner")
    outer.close()
    assert names(transport) == ["Outer"]
    inner.close()
    assert names(transport) == ["Outer", "Inner"]


def test_a_bare_thread_belongs_to_the_only_open_invocation(
    client: FormoAnalytics, transport: RecordingTransport
) -> None:
    """A worker without a context of its own tracks into the handler that started it."""
    with client.invocation() as run:
        run_in_thread(lambda: client.track("Worker"))
        assert len(client._queue.own.events) == 0
    assert run.result is not None
    assert (run.result.sent, names(transport)) == (1, ["Worker"])


def test_a_pool_thread_belongs_to_the_only_open_invocation(
    client: FormoAnalytics, transport: RecordingTransport
) -> None:
    """Likewise the threads of an executor, also when they live on into the next invocation."""
    with ThreadPoolExecutor(1) as pool:
        for number in range(3):
            with client.invocation() as run:
                pool.submit(client.track, f"Worker {number}").result()
            assert run.result is not None
            assert run.result.sent == 1
    assert names(transport) == ["Worker 0", "Worker 1", "Worker 2"]


class Background:
    """A thread of the application's that is there before any invocation, and does what it is given."""

    def __init__(self) -> None:
        self._calls: queue.Queue[Callable[[], object] | None] = queue.Queue()
        self._done: queue.Queue[object] = queue.Queue()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __enter__(self) -> Callable[[Callable[[], object]], object]:
        return self.call

    def __exit__(self, *_: object) -> None:
        self._calls.put(None)
        self._thread.join()

    def call(self, call: Callable[[], object]) -> object:
        """Have something called there, and return what it returns."""
        self._calls.put(call)
        return self._done.get(timeout=10.0)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            self._done.put(call())


def test_an_event_of_a_strangers_thread_leaves_with_the_only_open_invocation(
    client: FormoAnalytics, transport: RecordingTransport
) -> None:
    """What the application tracks on a thread of its own need not wait for an invocation of its own."""
    with Background() as background:
        for options in ({}, {"on_exception": "discard"}, {"idempotency_key": "job"}):
            with client.invocation(**options) as run:  # type: ignore[arg-type] # one of each type
                background(lambda: client.track("Background"))
            assert run.result is not None
            assert (run.result.sent, client.stats.buffered) == (1, 0)
    assert names(transport) == ["Background"] * 3


@pytest.mark.parametrize("rule", ["discard", lambda error: False])
def test_an_event_of_a_strangers_thread_is_not_discarded(
    client: FormoAnalytics, transport: RecordingTransport, rule: OnException
) -> None:
    """A failed invocation takes its own events with it, those of threads that it started among them, and no others."""
    with Background() as background:
        run = client.invocation(on_exception=rule)
        with pytest.raises(ZeroDivisionError), run:
            client.track("Handler's")
            background(lambda: client.track("Background"))
            run_in_thread(lambda: client.track("Worker's"))
            raise ZeroDivisionError
    assert run.result is not None
    assert (run.result.sent, run.result.discarded) == (1, 2)
    assert names(transport) == ["Background"]


def test_an_event_of_a_strangers_thread_has_no_derived_id(client: FormoAnalytics) -> None:
    """A repeated invocation derives the same ids, whatever happens on other threads; theirs are random each time."""

    def handle(track: Callable[[Callable[[], object]], object] | None) -> tuple[list[object], object]:
        with client.invocation(idempotency_key="job"):
            ids: list[object] = [client.track("Seen")]
            others = track(lambda: client.track("Seen")) if track is not None else None
            run_in_thread(lambda: ids.append(client.track("Seen")))
            ids.append(client.track("Seen"))
        return ids, others

    with Background() as background:
        first, one = handle(background)
        second, other = handle(background)
        third, _ = handle(None)
    assert first == second == third
    assert len({one, other, *first}) == 5


def test_a_pool_that_an_invocation_started_belongs_to_the_next_one(client: FormoAnalytics) -> None:
    """Its threads live on: what a later invocation has them track is its own, and is discarded with it."""
    with ThreadPoolExecutor(1) as pool:
        for _ in range(3):
            run = client.invocation(on_exception="discard")
            with pytest.raises(ZeroDivisionError), run:
                pool.submit(client.track, "Worker's").result()
                raise ZeroDivisionError
            assert run.result is not None
            assert (run.result.sent, run.result.discarded) == (0, 1)


def test_a_task_of_the_applications_is_a_stranger(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """On the thread of the invocation itself, code without its context is other tasks', such as a heartbeat."""

    async def main() -> None:
        go = asyncio.Event()

        async def heartbeat() -> None:
            await go.wait()
            client.track("Heartbeat")

        task = asyncio.create_task(heartbeat())
        with pytest.raises(ZeroDivisionError):
            async with client.invocation(on_exception="discard"):
                client.track("Handler's")
                await asyncio.create_task(asyncio.to_thread(client.track, "Task's"))
                go.set()
                await task
                raise ZeroDivisionError

    asyncio.run(main())
    assert names(transport) == ["Heartbeat"]


def test_between_two_open_invocations_a_bare_thread_belongs_to_none(
    client: FormoAnalytics, transport: RecordingTransport
) -> None:
    """Nobody can say whose it is, so it goes to the client's own buffer and leaves with whichever ends first."""
    first, second = opened(client), opened(client)
    assert current_scope() is None
    run_in_thread(lambda: client.track("Nobody's"))
    assert len(client._queue.own.events) == 1
    first.close()
    assert names(transport) == ["Nobody's"]
    second.close()


def test_a_copied_context_carries_the_invocation(client: FormoAnalytics) -> None:
    """With `copy_context().run` a worker is where it was started, whatever else is open."""
    other = opened(client)
    with client.invocation() as run:
        copied = contextvars.copy_context()
        run_in_thread(lambda: copied.run(client.track, "Worker"))
    assert run.result is not None
    assert run.result.sent == 1
    other.close()


def test_asyncio_to_thread_carries_the_invocation(client: FormoAnalytics) -> None:
    """So do tasks and `asyncio.to_thread`, which copy the context themselves."""
    other = opened(client)

    async def main() -> int:
        async with client.invocation() as run:
            await asyncio.to_thread(client.track, "Worker")
            await asyncio.create_task(asyncio.to_thread(client.track, "Task"))
        assert run.result is not None
        return run.result.sent

    assert asyncio.run(main()) == 2
    other.close()


def test_late_events_leave_with_the_next_invocation(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """What is tracked in the context of an invocation that is over waits in the client's own buffer."""
    with client.invocation():
        late = contextvars.copy_context()
        client.track("In Time")
    late.run(client.track, "Late")
    assert names(transport) == ["In Time"]
    assert client.stats.buffered == 1
    with client.invocation():
        pass
    assert names(transport) == ["In Time", "Late"]


def test_a_late_task_is_not_lost(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A task that outlives its handler tracks into whatever is open then, or into the client's own buffer."""

    async def main() -> None:
        go = asyncio.Event()

        async def late() -> None:
            await go.wait()
            client.track("Late")

        async with client.invocation():
            task = asyncio.create_task(late())
        go.set()
        await task
        assert transport.requests == []
        async with client.invocation():
            client.track("Next")

    asyncio.run(main())
    assert sorted(names(transport)) == ["Late", "Next"]


def test_an_event_tracked_while_its_scope_ends_is_not_lost(
    make_client: MakeClient, transport: RecordingTransport
) -> None:
    """Threads that track all the time while invocations end lose nothing: everything arrives, once."""
    client = make_client(flush_at=100)
    over = threading.Event()
    tracked: list[str] = []

    def work(context: contextvars.Context) -> None:
        # However soon the invocations are over, some events must be there.
        while not over.wait(0.0005) or len(tracked) < 50:
            tracked.append(context.run(client.track, "Busy"))

    with ThreadPoolExecutor(2) as pool:
        working = []
        for number in range(60):
            with client.invocation():
                if number % 30 == 0:
                    working.append(pool.submit(work, contextvars.copy_context()))
                client.track("Own")
        over.set()
        for each in working:
            each.result()
    client.flush()
    arrived = [event["message_id"] for event in transport.events]
    assert len(arrived) == len(set(arrived)) == len(tracked) + 60
    assert set(tracked) < set(arrived)
    assert client.stats.buffered == 0


def test_an_event_whose_scope_ends_while_it_is_made_is_not_lost(
    make_client: MakeClient, transport: RecordingTransport
) -> None:
    """Between finding its invocation and being appended: it leaves with the next one."""

    def close(value: object) -> str:
        run.close()
        return "closed"

    client = make_client(json_default=close)
    run = client.invocation()
    with run.step():
        client.track("Caught Between", properties={"value": object()})
    assert transport.requests == []
    assert client.stats.buffered == 1
    with client.invocation():
        pass
    assert names(transport) == ["Caught Between"]


def test_what_is_never_entered_is_not_open(client: FormoAnalytics) -> None:
    """An invocation that was only made does not catch the events of bare threads."""
    with client.invocation() as run:
        unused = client.invocation()
        run_in_thread(lambda: client.track("Worker"))
    assert run.result is not None
    assert run.result.sent == 1
    unused.close()


def test_a_buffer_of_a_scope_that_is_over_says_so(client: FormoAnalytics) -> None:
    """A thread that found the invocation open and comes back when it is over must not leave an event in it."""
    run = client.invocation()
    run.close()
    assert run._scope.buffer_of(client._queue).closed


def test_overlapping_threads_are_disjoint(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Ten invocations at the same time: each flushes its own events, and no others."""
    inside = threading.Barrier(10)
    flushed: dict[int, int] = {}

    def invoke(number: int) -> None:
        with client.invocation() as run:
            for _ in range(number):
                client.track(f"Thread {number}")
            inside.wait(10.0)
        assert run.result is not None
        flushed[number] = run.result.sent

    threads = [threading.Thread(target=invoke, args=[number]) for number in range(1, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert flushed == {number: number for number in range(1, 11)}
    assert sorted(names(transport)) == sorted(f"Thread {number}" for number in range(1, 11) for _ in range(number))


def test_overlapping_tasks_are_disjoint(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Likewise ten tasks of one loop."""

    async def invoke(number: int, inside: asyncio.Event) -> int:
        async with client.invocation() as run:
            for _ in range(number):
                client.track(f"Task {number}")
                await asyncio.sleep(0)
            if number == 10:
                inside.set()
            await inside.wait()
        assert run.result is not None
        return run.result.sent

    async def main() -> list[int]:
        inside = asyncio.Event()
        return await asyncio.gather(*(invoke(number, inside) for number in range(1, 11)))

    assert asyncio.run(main()) == list(range(1, 11))
    assert sorted(names(transport)) == sorted(f"Task {number}" for number in range(1, 11) for _ in range(number))


def test_the_scope_is_put_back(client: FormoAnalytics) -> None:
    """After each scope, left well or by an exception, the one around it is current again, and at the end none."""
    assert current_scope() is None
    with client.invocation() as outer:
        assert current_scope() is outer._scope
        with pytest.raises(KeyError), client.invocation() as inner:
            assert current_scope() is inner._scope
            raise KeyError
        assert current_scope() is outer._scope
    assert current_scope() is None


def test_a_step_that_ends_in_another_context_does_not_raise(client: FormoAnalytics) -> None:
    """A token of one context is no use in another; there is nothing to put back there."""
    run = client.invocation()
    step = run.step()
    contextvars.copy_context().run(step.__enter__)
    step.__exit__(None, None, None)
    assert current_scope() is run._scope  # the only open one
    run.close()
    assert current_scope() is None


@pytest.mark.parametrize("rule", ["send", "discard"])
def test_invocations_that_are_over_leave_nothing_behind(
    client: FormoAnalytics, rule: Literal["send", "discard"]
) -> None:
    """However many there were, nested, failed or well, their buffers are gone."""

    def buffers() -> int:
        gc.collect()
        # Not isinstance: among all objects there are strange ones, which raise when asked for their class.
        return sum(type(each) is Buffer for each in gc.get_objects())

    before = buffers()
    for _ in range(50):
        with pytest.raises(KeyError), client.invocation(on_exception=rule):
            client.track("Outer")
            with client.invocation():
                client.track("Inner")
            raise KeyError
    client.flush()
    wait_until(lambda: buffers() <= before + 2)


def test_closing_twice_flushes_once(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """The second close is nothing."""
    run = client.invocation()
    with run.step():
        client.track("Once")
    run.close()
    first = run.result
    run.close(ValueError())
    assert run.result is first
    assert len(transport.requests) == 1


def test_the_same_key_gives_the_same_ids(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A replay under the same key repeats the ids in order; nested scopes share the key's numbers."""
    ids = []
    for key in ("order 1", "order 1", "order 2"):
        with client.invocation(idempotency_key=key):
            first = client.track("Replayed")
            with client.invocation():
                ids.append((first, client.track("Replayed")))
    assert ids[0] == ids[1] != ids[2]
    assert len({each for pair in ids for each in pair}) == 4
    assert len(transport.unique_events) == 4
    assert transport.problems == []


def test_an_id_of_the_callers_own_wins_over_the_key(client: FormoAnalytics) -> None:
    """An explicit message_id is kept."""
    with client.invocation(idempotency_key="key"):
        mine = client.track("Mine", message_id="11111111-1111-4111-8111-111111111111")
    assert mine == "11111111-1111-4111-8111-111111111111"
