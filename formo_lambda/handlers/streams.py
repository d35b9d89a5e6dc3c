"""Drives what others iterate: each step within the invocation, the flush before the end.

A ContextVar that is set in a generator's first step leaks into whoever iterates it, and its token cannot be reset
from another context. So the invocation is entered and left around every single step.
"""

from __future__ import annotations

import contextvars
import sys
import weakref
from types import GeneratorType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        AsyncIterator,
        Callable,
        Generator,
        Iterable,
        Iterator,
    )
    from types import FrameType

    from formo_lambda.handlers.responses import Meter
    from formo_lambda.invocation.invocation import Invocation


class DrivenIterator:
    """An iterable under an invocation: flushed before its StopIteration, and at its close.

    Args:
        inner: The iterable, or iterator.
        run: The invocation.
        meter: Knows the part that completes the response, where it is a response's body: it is flushed before that.
    """

    def __init__(self, inner: Iterable[Any], run: Invocation, meter: Meter | None = None) -> None:
        self._inner = inner
        self._run = run
        self._meter = meter
        self._iterator: Iterator[Any] | None = None

    def __iter__(self) -> DrivenIterator:
        return self

    def __next__(self) -> Any:
        try:
            with self._run.step():
                if self._iterator is None:
                    self._iterator = iter(self._inner)
                part = next(self._iterator)
        except StopIteration:
            self._run.close()
            raise
        except BaseException as error:
            self._run.close(error)
            raise
        if self._meter is not None and self._meter.take(part):
            self._run.flush(failed=self._meter.failed)
        return part

    def close(self) -> None:
        """Close the iterator, and flush what is left."""
        close = getattr(self._inner, "close", None)
        try:
            if close is not None:
                with self._run.step():
                    close()
        finally:
            self._run.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class DrivenAsyncIterator:
    """An asynchronous iterable under an invocation: flushed before its StopAsyncIteration, and at its close.

    Args:
        inner: The iterable, or iterator.
        run: The invocation.
        meter: Knows the part that completes the response, where it is a response's body: it is flushed before that.
    """

    def __init__(self, inner: AsyncIterable[Any], run: Invocation, meter: Meter | None = None) -> None:
        self._inner = inner
        self._run = run
        self._meter = meter
        self._iterator: AsyncIterator[Any] | None = None

    def __aiter__(self) -> DrivenAsyncIterator:
        return self

    async def __anext__(self) -> Any:
        try:
            with self._run.step():
                if self._iterator is None:
                    self._iterator = aiter(self._inner)
                part = await anext(self._iterator)
        except StopAsyncIteration:
            await self._run.close_async()
            raise
        except BaseException as error:
            await self._run.close_async(error)
            raise
        if self._meter is not None and self._meter.take(part):
            await self._run.flush_async(failed=self._meter.failed)
        return part

    async def aclose(self) -> None:
        """Close the iterator, and flush what is left."""
        close = getattr(self._inner, "aclose", None)
        try:
            if close is not None:
                with self._run.step():
                    await close()
        finally:
            await self._run.close_async()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def reference_to_generator(frame: FrameType) -> weakref.ref[Any] | None:
    """Return a reference to the generator that runs in a frame, if it is young enough to be found quickly.

    A generator cannot name itself. When it is dropped, its weak references end before its code sees GeneratorExit: so
    it knows whether it is closed by somebody, or collected by whatever thread comes along.
    """
    import gc  # noqa: PLC0415 -- few handlers are generators

    for candidate in gc.get_objects(generation=0):
        if type(candidate) is GeneratorType and candidate.gi_frame is frame:
            return weakref.ref(candidate)
    return None


def generator_function(
    start: Callable[..., tuple[Generator[Any, Any, Any], Invocation]],
) -> Callable[..., Generator[Any, Any, Any]]:
    """Return a generator function that delegates as `yield from` does, each step within the invocation.

    Args:
        start: Called with the arguments at the first step; returns the generator to delegate to, and its invocation.

    Returns:
        A function of a reference to the generator that users hold (None if that is the one it returns), and of the
        arguments.
    """

    def driven(held: weakref.ref[Any] | None, *args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        held = held or reference_to_generator(sys._getframe())  # noqa: SLF001 -- its own
        inner, run = start(*args, **kwargs)
        step: Any = inner.__next__
        arguments: tuple[Any, ...] = ()
        try:
            while True:
                try:
                    with run.step():
                        value = step(*arguments)
                except StopIteration as stop:
                    run.close()
                    return stop.value
                try:
                    sent = yield value
                    step, arguments = (inner.__next__, ()) if sent is None else (inner.send, (sent,))
                except GeneratorExit:
                    if held is not None and held() is None:
                        # Collected, on any thread and in the middle of anything: nobody is to wait here. In a context
                        # of its own, because Python up to 3.11 crashes where a variable is set while it is being set.
                        contextvars.copy_context().run(_close_within, inner, run)
                        run.hand_over()
                    else:
                        _close_within(inner, run)
                    raise
                except BaseException as error:  # noqa: BLE001 -- whatever is thrown in is the inner generator's
                    step, arguments = inner.throw, (error,)
        except BaseException as error:
            run.close(error)
            raise

    return driven


def _close_within(inner: Generator[Any, Any, Any], run: Invocation) -> None:
    with run.step():
        inner.close()


def async_generator_function(
    start: Callable[..., tuple[AsyncGenerator[Any, Any], Invocation]], meter: Meter | None = None
) -> Callable[..., Any]:
    """Return an asynchronous generator function that delegates to another, each step within the invocation.

    Args:
        start: Called with the arguments at the first step; returns the generator to delegate to, and its invocation.
        meter: Knows the part that completes the response, where it is a response's body: it is flushed before that.
    """

    async def driven(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner, run = start(*args, **kwargs)
        step: Any = inner.__anext__
        arguments: tuple[Any, ...] = ()
        try:
            while True:
                try:
                    with run.step():
                        value = await step(*arguments)
                except StopAsyncIteration:
                    await run.close_async()
                    return
                if meter is not None and meter.take(value):
                    await run.flush_async(failed=meter.failed)
                try:
                    sent = yield value
                    step, arguments = inner.asend, (sent,)
                except GeneratorExit:
                    with run.step():
                        await inner.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 -- whatever is thrown in is the inner generator's
                    step, arguments = inner.athrow, (error,)
        except BaseException as error:
            await run.close_async(error)
            raise

    return driven
