"""Generators and iterators: iterated as before, each step in its own invocation, flushed before the end."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.invocation import scope
from formo_lambda.invocation.scope import current_scope
from tests.client.recorded import names

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator

    from formo_lambda.testing import RecordingTransport


def conversation(client: FormoAnalytics) -> Callable[[], Generator[str, str, str]]:
    """Return a generator function that answers what it is sent, and catches what is thrown into it."""

    def handler() -> Generator[str, str, str]:
        said = ""
        answer = "ready"
        while said != "stop":
            try:
                said = yield answer
                client.track("Said")
                answer = f"heard {said}"
            except KeyError as error:
                answer = f"caught {error}"
        return "over"

    return handler


def test_a_generator_can_be_talked_to(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """send(), throw() and the return value work as on the handler's own generator."""
    stream = formo_flush(conversation(client))()
    assert next(stream) == "ready"
    assert stream.send("one") == "heard one"
    assert stream.throw(KeyError("two")) == "caught 'two'"
    assert transport.requests == []
    with pytest.raises(StopIteration) as stop:
        stream.send("stop")
    assert stop.value.value == "over"
    assert names(transport) == ["Said", "Said"]


def test_yield_from_gets_the_return_value(client: FormoAnalytics) -> None:
    """The wrapper can be delegated to."""

    def caller() -> Generator[str, str, None]:
        assert (yield from formo_flush(conversation(client))()) == "over"

    stream = caller()
    next(stream)
    with pytest.raises(StopIteration):
        stream.send("stop")


def test_an_async_generator_can_be_talked_to(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """So can its asynchronous kind."""

    @formo_flush
    async def handler() -> AsyncGenerator[str, str]:
        said = ""
        answer = "ready"
        while said != "stop":
            try:
                said = yield answer
                client.track("Said")
                answer = f"heard {said}"
            except KeyError as error:
                answer = f"caught {error}"

    async def main() -> None:
        stream = handler()
        assert await anext(stream) == "ready"
        assert await stream.asend("one") == "heard one"
        assert await stream.athrow(KeyError("two")) == "caught 'two'"
        with pytest.raises(StopAsyncIteration):
            await stream.asend("stop")

    asyncio.run(main())
    assert names(transport) == ["Said", "Said"]


def test_what_is_thrown_in_comes_out(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """An exception that the generator does not catch is the same object outside, after a flush."""

    @formo_flush
    def handler() -> Iterator[int]:
        client.track("Begun")
        yield 1

    stream: Any = handler()
    next(stream)
    error = OSError("thrown in")
    with pytest.raises(OSError, match="thrown in") as caught:
        stream.throw(error)
    assert caught.value is error
    assert len(transport.events) == 1


def test_an_exception_within_is_flushed(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A generator that fails halfway has its events sent before the caller sees the exception."""

    @formo_flush
    def handler() -> Iterator[int]:
        client.track("Begun")
        yield 1
        raise LookupError("halfway")

    stream = handler()
    assert next(stream) == 1
    with pytest.raises(LookupError, match="halfway") as caught:
        next(stream)
    assert caught.value.__context__ is None
    assert len(transport.events) == 1
    assert list(stream) == []


def test_nothing_runs_before_the_first_step(client: FormoAnalytics) -> None:
    """Calling a generator function runs none of it, and opens no invocation."""

    @formo_flush
    def handler() -> Iterator[int]:
        client.track("Never")
        yield 1

    for _ in range(3):
        handler()
        assert scope._open == {}
    assert client.stats.tracked == 0


@pytest.mark.parametrize("ways", ["close", "drop"])
def test_an_abandoned_generator_is_flushed(client: FormoAnalytics, transport: RecordingTransport, ways: str) -> None:
    """Its finally clause runs within the invocation. Closed, it is flushed; just dropped, the next flush sends them."""

    @formo_flush
    def handler() -> Iterator[int]:
        try:
            yield 1
        finally:
            client.track("Cleaned Up")

    stream: Any = handler()
    next(stream)
    if ways == "close":
        stream.close()
    del stream
    gc.collect()
    if ways == "drop":
        client.flush()
    assert names(transport) == ["Cleaned Up"]
    assert scope._open == {}


def test_an_abandoned_async_generator_is_flushed(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Likewise, by aclose."""

    @formo_flush
    async def handler() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            client.track("Cleaned Up")

    async def main() -> None:
        stream = handler()
        assert await anext(stream) == 1
        await stream.aclose()

    asyncio.run(main())
    assert names(transport) == ["Cleaned Up"]


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("ways", ["close", "drop"])
def test_what_was_tracked_before_the_iterator_was_returned_is_flushed(
    client: FormoAnalytics, transport: RecordingTransport, steps: int, ways: str
) -> None:
    """The invocation of the function that returned it ends with the iterator; one just dropped waits for a flush."""
    stream = _stream_after_an_event(client)
    for _ in range(steps):
        next(stream)
    if ways == "close":
        stream.close()
    del stream
    gc.collect()
    if ways == "drop":
        client.flush()
    assert names(transport) == ["Before"]
    assert scope._open == {}


@pytest.mark.parametrize("ways", ["close", "drop"])
def test_an_iterator_without_a_single_step_loses_nothing(
    client: FormoAnalytics, transport: RecordingTransport, ways: str
) -> None:
    """Closing a generator that has not begun runs nothing of it: its events are sent with the next."""
    stream = _stream_after_an_event(client)
    if ways == "close":
        stream.close()
    del stream
    gc.collect()
    assert scope._open == {}
    with client.invocation():
        pass
    assert names(transport) == ["Before"]


def _stream_after_an_event(client: FormoAnalytics) -> Generator[int, None, None]:
    @formo_flush
    def handler() -> Generator[int, None, None]:
        client.track("Before")
        return (number for number in range(3))

    return handler()


def test_a_coroutine_that_is_dropped_ends_its_invocation(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A function that tracked, and whose coroutine nobody awaits, leaves no invocation open and loses no event."""

    @formo_flush
    def handler() -> Any:
        client.track("Before")

        async def late() -> None: ...

        return late()

    coroutine = handler()
    coroutine.close()
    del coroutine
    gc.collect()
    assert scope._open == {}
    client.flush()
    assert names(transport) == ["Before"]


def test_the_scope_does_not_leak_between_steps(client: FormoAnalytics) -> None:
    """Between two steps the caller is where it was; within a step the generator is in its own invocation."""
    seen: list[object] = []

    @formo_flush
    def handler() -> Iterator[int]:
        for number in range(3):
            seen.append(scope._current.get())
            yield number

    before = scope._current.get()
    stream = handler()
    for _ in stream:
        assert scope._current.get() is before
    assert len(set(map(id, seen))) == 1
    assert seen[0] is not None


def test_streams_side_by_side_do_not_mix(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Two generators stepped in turns, and an invocation in between: each flushes its own events, and only those."""

    @formo_flush
    def handler(name: str) -> Iterator[int]:
        for number in range(3):
            client.track(name)
            yield number

    @formo_flush
    def other() -> None:
        client.track("between")

    first, second = handler("first"), handler("second")
    for _ in zip(first, second, strict=False):
        other()
    for stream in (first, second):
        for _ in stream:
            pass
    bodies = [{event["event"] for event in request.events} for request in transport.requests]
    assert all(len(body) == 1 for body in bodies)
    assert sorted(names(transport)) == ["between"] * 3 + ["first"] * 3 + ["second"] * 3
    assert len(transport.requests) == 5


def test_async_streams_side_by_side_do_not_mix(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Likewise asynchronous ones in tasks of one loop."""

    @formo_flush
    async def handler(name: str) -> AsyncIterator[int]:
        for number in range(3):
            client.track(name)
            await asyncio.sleep(0)
            yield number

    delivered: list[int] = []

    async def read(name: str) -> None:
        async for _ in handler(name):
            await asyncio.sleep(0)
        delivered.append([event["event"] for event in transport.events].count(name))

    async def main() -> None:
        await asyncio.gather(*(read(f"stream {number}") for number in range(5)))

    asyncio.run(main())
    assert delivered == [3] * 5
    assert len(transport.events) == 15


def test_closing_from_another_context_does_not_raise(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A generator begun in one context, stepped in a second and closed in a third, as servers do."""

    @formo_flush
    def handler() -> Iterator[int]:
        try:
            client.track("One")
            yield 1
            client.track("Two")
            yield 2
        finally:
            client.track("Closed")

    stream: Any = contextvars.copy_context().run(handler)
    assert contextvars.copy_context().run(next, stream) == 1
    assert contextvars.copy_context().run(next, stream) == 2
    contextvars.copy_context().run(stream.close)
    assert names(transport) == ["One", "Two", "Closed"]
    assert len(transport.requests) == 1
    assert current_scope() is None


def test_closing_an_async_stream_from_another_task_does_not_raise(
    client: FormoAnalytics, transport: RecordingTransport
) -> None:
    """Likewise across tasks."""

    @formo_flush
    async def handler() -> AsyncGenerator[int, None]:
        try:
            client.track("One")
            yield 1
        finally:
            client.track("Closed")

    async def main() -> None:
        stream = handler()

        async def step() -> int:
            return await anext(stream)

        assert await asyncio.create_task(step()) == 1

        async def close() -> None:
            await stream.aclose()

        await asyncio.create_task(close())

    asyncio.run(main())
    assert names(transport) == ["One", "Closed"]


def test_stepping_from_many_threads(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A pool that takes each step on another thread still gets one invocation."""

    @formo_flush
    def handler() -> Iterator[int]:
        for number in range(5):
            client.track("Step")
            yield number

    stream = handler()
    got: list[int] = []
    for _ in range(6):
        thread = threading.Thread(target=lambda: got.extend([n for n in [next(stream, None)] if n is not None]))
        thread.start()
        thread.join()
    assert got == [0, 1, 2, 3, 4]
    assert len(transport.requests) == 1
    assert len(transport.events) == 5


def test_a_returned_iterator_keeps_its_face(client: FormoAnalytics) -> None:
    """Attributes of an iterator that is wrapped can still be read."""

    class Rows:
        total = 3

        def __init__(self) -> None:
            self._left = iter("abc")

        def __iter__(self) -> Rows:
            return self

        def __next__(self) -> str:
            client.track("Row")
            return next(self._left)

    @formo_flush
    def handler() -> Rows:
        return Rows()

    rows = handler()
    assert rows.total == 3
    assert list(rows) == ["a", "b", "c"]
    assert client.stats.sent == 4


def test_containers_are_no_streams(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A list, a string, a dict or a file is a complete result: flushed before it is handed on, and not wrapped."""
    import io

    for value in ([1], "text", {"a": 1}, (1,), io.BytesIO(b"file"), range(3)):

        @formo_flush
        def handler(value: object = value) -> object:
            client.track("Complete")
            return value

        transport.clear()
        assert handler() is value
        assert len(transport.events) == 1
