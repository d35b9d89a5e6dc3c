"""What others iterate, within an invocation: each step belongs to it, and the flush comes before the end.

A ContextVar that is set in a generator's first step leaks into whoever iterates it, and its token cannot be reset
from another context. So the invocation is entered and left around every single step.
"""

from __future__ import annotations

import contextvars
import gc
import sys
import weakref
from types import GeneratorType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
    from types import FrameType

    from formo_lambda.handlers.responses import Body, Progress
    from formo_lambda.invocation.invocation import Invocation


def wrap_body(body: Body, invocation: Invocation, *, is_result: bool) -> Any:
    """Return what is to be iterated in a body's place.

    Args:
        body: The body.
        invocation: The invocation of the handler that returned it.
        is_result: Whether the body is what the handler returned, not a part of that. Then a generator stays one.
    """
    kind = type(body.parts)
    if hasattr(kind, "asend"):
        return async_generator_function(lambda: (body.parts, invocation), body)()
    if hasattr(kind, "__aiter__"):
        return _ReturnedAsyncStream(body.parts, invocation, body)
    if hasattr(kind, "send") and is_result:
        return delegate(None, lambda: (body.parts, invocation))
    return _ReturnedStream(body.parts, invocation, body)


class Stream:
    """An iterable within an invocation, which ends before StopIteration, or when this is closed.

    Args:
        parts: The iterable, or iterator.
        invocation: The invocation.
        progress: The response that these are the parts of: the part that completes it is handed on after a flush.
    """

    def __init__(self, parts: Iterable[Any], invocation: Invocation, progress: Progress) -> None:
        self._parts = parts
        self._invocation = invocation
        self._progress = progress
        self._iterator: Iterator[Any] | None = None
        self._closed = False

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        try:
            with self._invocation.step():
                if self._iterator is None:
                    self._iterator = iter(self._parts)
                part = next(self._iterator)
        except StopIteration:
            self._end()
            raise
        except BaseException as error:
            self._invocation.close(error)
            raise
        if self._progress.take(part):
            self._invocation.flush(failed=self._progress.failed)
        return part

    def _end(self) -> None:
        self._invocation.close()

    def close(self) -> None:
        """Close the iterable, once, and flush what is left."""
        if self._closed:
            return
        self._closed = True
        close = getattr(self._parts, "close", None)
        try:
            if close is not None:
                with self._invocation.step():
                    close()
        except BaseException as error:
            self._invocation.close(error)
            raise
        self._invocation.close()


class _ReturnedStream(Stream):
    """A stream in the place of a returned iterator, whose other attributes it has."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parts, name)


class _ReturnedAsyncStream:
    """Its asynchronous kind."""

    def __init__(self, parts: AsyncIterable[Any], invocation: Invocation, progress: Progress) -> None:
        self._parts = parts
        self._invocation = invocation
        self._progress = progress
        self._iterator: AsyncIterator[Any] | None = None

    def __aiter__(self) -> _ReturnedAsyncStream:
        return self

    async def __anext__(self) -> Any:
        try:
            with self._invocation.step():
                if self._iterator is None:
                    self._iterator = aiter(self._parts)
                part = await anext(self._iterator)
        except StopAsyncIteration:
            await self._invocation.close_async()
            raise
        except BaseException as error:
            await self._invocation.close_async(error)
            raise
        if self._progress.take(part):
            await self._invocation.flush_async(failed=self._progress.failed)
        return part

    async def aclose(self) -> None:
        """Close the iterable, and flush what is left."""
        close = getattr(self._parts, "aclose", None)
        try:
            if close is not None:
                with self._invocation.step():
                    await close()
        except BaseException as error:
            await self._invocation.close_async(error)
            raise
        await self._invocation.close_async()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parts, name)


class _Mark:
    """An object that only the frame of a generator holds."""


class Holder:
    """Tells a generator whether GeneratorExit means that somebody closes it, or that nobody holds it any more.

    A generator that is collected, by whatever thread comes along, must not wait there. It cannot name itself, but
    weak references with a callback end before anything that is collected runs.

    Args:
        frame: The frame of the generator, at its first step.
    """

    def __init__(self, frame: FrameType) -> None:
        self._frame = frame
        generator = getattr(frame, "f_generator", None)  # from Python 3.14 on
        self._mark = _Mark() if generator is None else None
        self._alive = weakref.ref(generator or self._mark, lambda _: None)

    def is_gone(self) -> bool:
        """Whether nobody holds the generator any more."""
        if self._alive() is None:
            return True
        if self._mark is None:
            return False
        for holder in gc.get_referrers(self._frame):
            if type(holder) is GeneratorType and holder.gi_frame is self._frame:
                # Beside the three references here, one: that of the interpreter, while it takes it apart.
                return sys.getrefcount(holder) <= _LAST_REFERENCES
        return True  # It is in the hands of the garbage collector.


#: The list of holders, the variable, the argument, and the interpreter.
_LAST_REFERENCES = 4


def delegate(
    holder: Holder | None, start: Callable[[], tuple[Generator[Any, Any, Any], Invocation]]
) -> Generator[Any, Any, Any]:
    """Delegate to a generator as `yield from` does, each step within the invocation.

    Args:
        holder: Knows whether anybody holds the generator that users have; None if that is this one.
        start: Called at the first step; returns the generator to delegate to, and its invocation.
    """
    holder = holder or Holder(sys._getframe())  # noqa: SLF001 -- its own
    inner, invocation = start()
    step: Any = inner.__next__
    arguments: tuple[Any, ...] = ()
    try:
        while True:
            try:
                with invocation.step():
                    value = step(*arguments)
            except StopIteration as stop:
                invocation.close()
                return stop.value
            try:
                sent = yield value
                step, arguments = (inner.__next__, ()) if sent is None else (inner.send, (sent,))
            except GeneratorExit:
                if holder.is_gone():
                    # Collected, on any thread and in the middle of anything: nobody is to wait here. In a context
                    # of its own, because Python up to 3.11 crashes where a variable is set while it is being set.
                    contextvars.copy_context().run(_close_within, inner, invocation)
                    invocation.hand_over()
                else:
                    _close_within(inner, invocation)
                raise
            except BaseException as error:  # noqa: BLE001 -- whatever is thrown in is the inner generator's
                step, arguments = inner.throw, (error,)
    except BaseException as error:
        invocation.close(error)
        raise


def _close_within(inner: Generator[Any, Any, Any], invocation: Invocation) -> None:
    with invocation.step():
        inner.close()


def async_generator_function(
    start: Callable[..., tuple[Any, Invocation]], progress: Progress | None = None
) -> Callable[..., Any]:
    """Return an asynchronous generator function that delegates to another, each step within the invocation.

    Args:
        start: Called with the arguments at the first step; returns the generator to delegate to, and its invocation.
        progress: The response that these are the parts of: the part that completes it is handed on after a flush.
    """

    async def delegate_async(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner, invocation = start(*args, **kwargs)
        step: Any = inner.__anext__
        arguments: tuple[Any, ...] = ()
        try:
            while True:
                try:
                    with invocation.step():
                        value = await step(*arguments)
                except StopAsyncIteration:
                    await invocation.close_async()
                    return
                if progress is not None and progress.take(value):
                    await invocation.flush_async(failed=progress.failed)
                try:
                    sent = yield value
                    step, arguments = inner.asend, (sent,)
                except GeneratorExit:
                    with invocation.step():
                        await inner.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 -- whatever is thrown in is the inner generator's
                    step, arguments = inner.athrow, (error,)
        except BaseException as error:
            await invocation.close_async(error)
            raise

    return delegate_async
