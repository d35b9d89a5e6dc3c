"""A flush that is awaited: the loop runs on, few threads do the work, and a cancelled wait loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.asgi import FormoFlushMiddleware
from tests.benchmarks.server import FastServer
from tests.promises.crowds import EVENTS, swap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

#: What brings a loop of its own, beside asyncio.
_OTHER_LOOPS = ["trio", "anyio on asyncio", "anyio on trio"]


@pytest.fixture(scope="module")
def server() -> Iterator[FastServer]:
    """Stand in for Formo, in a process of its own."""
    with FastServer() as server:
        yield server


@pytest.fixture
def client(server: FastServer) -> Iterator[FormoAnalytics]:
    """Make a client whose connection is warm."""
    client = FormoAnalytics("test-key", api_host=server.url(), flush_timeout=10.0)
    server.delay(0.0)
    client.track("Warm")
    assert client.flush().ok
    server.take()
    yield client
    client.close()


class Beat:
    """A task beside others, on any loop: how often it had its turn, and the longest time that it had not."""

    def __init__(self, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._sleep = sleep
        self.count = 0
        self.longest = 0.0
        self.over = False

    async def run(self) -> None:
        """Sleep for 10 ms again and again until it is over."""
        last = time.monotonic()
        while not self.over:
            await self._sleep(0.01)
            now = time.monotonic()
            self.count += 1
            self.longest = max(self.longest, now - last)
            last = now


def _settled(client: FormoAnalytics, server: FastServer, ids: list[str]) -> None:
    """Check that each event that was tracked is sent, by this flush or before it, and counted once."""
    assert client.flush().ok
    assert set(server.ids()) == set(ids)
    totals = client.stats
    assert (totals.tracked, totals.sent, totals.buffered) == (len(ids) + 1, len(ids) + 1, 0)  # and the one that warmed


# -- asyncio -----------------------------------------------------------------------------------------------------------


#: Ten that deliver, and the one of the process for what is tracked outside any invocation.
_MOST_THREADS = 11


@contextlib.contextmanager
def _most_threads() -> Iterator[list[str]]:
    """Look often while this lasts, and keep the names of our threads of when they were the most."""
    most: list[str] = []
    # Of earlier tests some of ours may still be idle, and be used again.
    others = {thread for thread in threading.enumerate() if not thread.name.startswith("formo")}
    over = threading.Event()

    def look() -> None:
        others.add(threading.current_thread())
        while not over.wait(0.002):
            names = sorted(thread.name for thread in threading.enumerate() if thread not in others)
            if len(names) > len(most):
                most[:] = names

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        over.set()
        looking.join()


@pytest.mark.parametrize("way", ["aflush", "decorated"])
def test_few_threads_work_for_many_tasks(client: FormoAnalytics, server: FastServer, way: str) -> None:
    """200 tasks that wait at the same time are served by at most ten threads, and each event arrives."""
    server.delay(0.1)
    ids: list[str] = []

    @formo_flush
    async def handler() -> None:
        ids.extend(swap(client))

    async def flushing() -> None:
        ids.extend(swap(client))
        assert (await client.aflush()).ok

    async def main() -> None:
        await asyncio.gather(*((handler if way == "decorated" else flushing)() for _ in range(200)))

    with _most_threads() as most:
        asyncio.run(main())
    assert len(ids) == 200 * EVENTS
    assert sorted(server.ids()) == sorted(ids)
    assert 0 < len(most) <= _MOST_THREADS, " ".join(most)


def test_the_loop_is_never_blocked(client: FormoAnalytics, server: FastServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """While 80 tasks flush, nothing that runs on the loop keeps it for long: no step of any task, no callback."""
    server.delay(0.1)
    longest = 0.0
    run = asyncio.Handle._run

    def timed(handle: Any) -> None:
        nonlocal longest
        began = time.perf_counter()
        run(handle)
        longest = max(longest, time.perf_counter() - began)

    async def main() -> None:
        tracked = 0
        everyone = asyncio.Event()

        @formo_flush
        async def handler() -> None:
            nonlocal tracked
            tracked += len(swap(client))
            if tracked == 80 * EVENTS:
                # From now on: before, it was the handlers' own work.
                monkeypatch.setattr(asyncio.Handle, "_run", timed)
                everyone.set()
            await everyone.wait()

        await asyncio.gather(*(handler() for _ in range(80)))
        monkeypatch.undo()

    asyncio.run(main())
    assert client.stats.sent == 80 * EVENTS + 1
    # The promise is 1 ms, which the benchmark measures: a busy machine takes the thread off its core for far longer.
    assert 0.0 < longest < 0.05


def test_a_handler_does_not_block_the_loop(
    client: FormoAnalytics, server: FastServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does what one invocation after another does on the loop: opening, tracking, flushing, closing the client."""
    server.delay(0.005)
    steps: list[float] = []
    run = asyncio.Handle._run

    def timed(handle: Any) -> None:
        began = time.perf_counter()
        run(handle)
        steps.append(time.perf_counter() - began)

    @formo_flush
    async def handler() -> None:
        swap(client)

    async def main() -> None:
        monkeypatch.setattr(asyncio.Handle, "_run", timed)
        for number in range(200):
            await handler()
            if number % 20 == 0:
                await client.aclose()
        monkeypatch.undo()

    asyncio.run(main())
    assert client.stats.sent == 200 * EVENTS + 1
    # Not all of them: a busy machine takes the thread off its core now and then.
    assert sorted(steps)[len(steps) * 98 // 100] < 0.02


@pytest.mark.parametrize("way", ["aflush", "decorated", "async with"])
def test_a_cancelled_wait_ends_at_once(client: FormoAnalytics, server: FastServer, way: str) -> None:
    """A task that is cancelled while its events are under way is over at once, and they are sent all the same."""
    server.delay(0.6)
    ids: list[str] = []

    @formo_flush
    async def decorated() -> None:
        ids.extend(swap(client))

    async def aflush() -> None:
        ids.extend(swap(client))
        await client.aflush()

    async def scope() -> None:
        async with client.invocation():
            ids.extend(swap(client))

    async def main() -> float:
        task = asyncio.create_task({"aflush": aflush, "decorated": decorated, "async with": scope}[way]())
        await asyncio.sleep(0.1)
        began = time.monotonic()
        assert task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    assert asyncio.run(main()) < 0.25
    _settled(client, server, ids)


def test_cancelled_tasks_lose_nothing(client: FormoAnalytics, server: FastServer) -> None:
    """Of 80 tasks that flush at once every other one is cancelled: the others do not notice, and each event is sent."""
    server.delay(0.5)  # None of them must have ended before the cancellation, on a busy machine either.
    ids: list[str] = []

    @formo_flush
    async def handler() -> None:
        ids.extend(swap(client))

    async def main() -> list[BaseException | None]:
        tasks = [asyncio.create_task(handler()) for _ in range(80)]
        await asyncio.sleep(0)  # All of them have tracked then, and wait.
        await asyncio.sleep(0.02)
        assert len(ids) == 80 * EVENTS
        for task in tasks[::2]:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    ended = asyncio.run(main())
    assert [type(each) for each in ended] == [asyncio.CancelledError, type(None)] * 40
    _settled(client, server, ids)


# -- trio and anyio ----------------------------------------------------------------------------------------------------


def _run(loop: str, main: Callable[[], Awaitable[None]]) -> None:
    if loop == "trio":
        trio = pytest.importorskip("trio", reason="a tool of development")
        trio.run(main)
    else:
        anyio = pytest.importorskip("anyio", reason="a tool of development")
        pytest.importorskip("trio", reason="a tool of development")
        anyio.run(main, backend=loop.rpartition(" ")[2])


def _library(loop: str) -> Any:
    return pytest.importorskip(loop.partition(" ")[0], reason="a tool of development")


@contextlib.asynccontextmanager
async def _beside(loop: str) -> AsyncIterator[Beat]:
    """Have a task beat beside what is awaited here."""
    library = _library(loop)
    beat = Beat(library.sleep)
    async with library.open_nursery() if loop == "trio" else library.create_task_group() as tasks:
        tasks.start_soon(beat.run)
        yield beat
        beat.over = True


@pytest.mark.parametrize("way", ["aflush", "decorated", "async with"])
@pytest.mark.parametrize("loop", _OTHER_LOOPS)
def test_other_loops_run_on(client: FormoAnalytics, server: FastServer, loop: str, way: str) -> None:
    """Under trio and anyio a flush is awaited like anything else: other tasks go on, and then all has arrived."""
    server.delay(0.3)
    ids: list[str] = []

    @formo_flush
    async def decorated() -> None:
        ids.extend(swap(client))

    async def aflush() -> None:
        ids.extend(swap(client))
        assert (await client.aflush()).sent == EVENTS

    async def scope() -> None:
        async with client.invocation() as run:
            ids.extend(swap(client))
        assert run.result is not None
        assert run.result.sent == EVENTS

    async def main() -> None:
        async with _beside(loop) as beat:
            await {"aflush": aflush, "decorated": decorated, "async with": scope}[way]()
            assert sorted(server.ids()) == sorted(ids)
            assert beat.count >= 10
            assert beat.longest < 0.2

    _run(loop, main)
    assert client.stats.sent == EVENTS + 1


@pytest.mark.parametrize("loop", _OTHER_LOOPS)
def test_other_loops_do_not_spin(client: FormoAnalytics, server: FastServer, loop: str) -> None:
    """While an answer is awaited under trio and anyio, the process does next to nothing."""
    server.delay(0.5)

    async def main() -> None:
        client.track("Awaited")
        used = time.process_time()
        assert (await client.aflush()).ok
        assert time.process_time() - used < 0.1

    _run(loop, main)


@pytest.mark.parametrize("way", ["aflush", "decorated"])
@pytest.mark.parametrize("loop", _OTHER_LOOPS)
def test_other_loops_can_cancel(client: FormoAnalytics, server: FastServer, loop: str, way: str) -> None:
    """What trio and anyio cancel ends its wait at once, and its events are sent all the same."""
    server.delay(0.6)
    ids: list[str] = []
    move_on_after = _library(loop).move_on_after

    @formo_flush
    async def decorated() -> None:
        ids.extend(swap(client))

    async def aflush() -> None:
        ids.extend(swap(client))
        await client.aflush()

    async def main() -> None:
        began = time.monotonic()
        with move_on_after(0.1) as scope:
            await (decorated if way == "decorated" else aflush)()
        assert time.monotonic() - began < 0.4
        assert scope.cancelled_caught

    _run(loop, main)
    _settled(client, server, ids)


@pytest.mark.parametrize("loop", _OTHER_LOOPS)
def test_few_threads_work_for_many_tasks_of_other_loops(client: FormoAnalytics, server: FastServer, loop: str) -> None:
    """40 tasks of trio and anyio that flush at once are served by at most ten threads, and each event arrives."""
    server.delay(0.1)
    ids: list[str] = []
    library = _library(loop)

    @formo_flush
    async def handler() -> None:
        ids.extend(swap(client))

    async def main() -> None:
        async with library.open_nursery() if loop == "trio" else library.create_task_group() as tasks:
            for _ in range(40):
                tasks.start_soon(handler)

    with _most_threads() as most:
        _run(loop, main)
    assert len(ids) == 40 * EVENTS
    assert sorted(server.ids()) == sorted(ids)
    assert 0 < len(most) <= _MOST_THREADS, " ".join(most)


async def _cancelled(loop: str, call: Callable[[], Awaitable[None]]) -> None:
    """Call something in a scope that is cancelled after 0.1 s, and at each further step."""
    if loop != "asyncio":
        with _library(loop).move_on_after(0.1):
            await call()
        return
    task = asyncio.ensure_future(call())
    await asyncio.sleep(0.1)
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)
    assert task.cancelled()


@pytest.mark.parametrize("way", ["decorated", "async with", "asgi"])
@pytest.mark.parametrize("loop", ["asyncio", *_OTHER_LOOPS])
def test_a_handler_whose_scope_is_cancelled(client: FormoAnalytics, server: FastServer, loop: str, way: str) -> None:
    """It ends as without us, at once and by the same exception; its events are sent, and nothing spins meanwhile."""
    server.delay(0.8)
    ids: list[str] = []
    raised: list[BaseException] = []
    seen: list[BaseException] = []
    sleep = asyncio.sleep if loop == "asyncio" else _library(loop).sleep

    async def work(*_: object) -> None:
        ids.extend(swap(client))
        try:
            await sleep(30.0)
        except BaseException as error:
            raised.append(error)
            raise

    async def scope() -> None:
        async with client.invocation():
            await work()

    async def application() -> None:
        await FormoFlushMiddleware(work)({"type": "http"}, sleep, sleep)

    async def call() -> None:
        try:
            await {"decorated": formo_flush(work), "async with": scope, "asgi": application}[way]()
        except BaseException as error:
            seen.append(error)
            raise

    async def main() -> None:
        began, used = time.monotonic(), time.process_time()
        await _cancelled(loop, call)
        assert time.monotonic() - began < 0.5
        await sleep(0.5)
        assert time.process_time() - used < 0.3

    if loop == "asyncio":
        asyncio.run(main())
    else:
        _run(loop, main)
    assert len(raised) == 1
    assert seen == raised
    limit = time.monotonic() + 5.0
    while client.stats.sent < EVENTS + 1 and time.monotonic() < limit:
        time.sleep(0.01)
    assert sorted(server.ids()) == sorted(ids)
    assert client.stats.retained == 0


def test_a_cancellation_is_never_swallowed(client: FormoAnalytics, server: FastServer) -> None:
    """Whenever a task is cancelled that flushes, in 60 moments, it is over with that, or was over before."""
    server.delay(0.01)
    ids: list[str] = []

    async def flushing() -> None:
        ids.extend(swap(client))
        await client.aflush()
        await asyncio.sleep(30.0)

    async def main() -> None:
        for number in range(60):
            task = asyncio.create_task(flushing())
            await asyncio.sleep(number / 3_000)
            assert task.cancel()
            done, _ = await asyncio.wait([task], timeout=5.0)
            assert done == {task}
            assert task.cancelled()

    asyncio.run(main())
    _settled(client, server, ids)
