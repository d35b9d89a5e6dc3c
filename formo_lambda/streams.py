"""Drive what a handler returns and others iterate: each step within the invocation, the flush before the end.

A ContextVar that is set in a generator's first step leaks into whoever iterates it, and its token cannot be reset
from another context. So the invocation is entered and left around every single step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator

    from formo_lambda.delivery.run import Run


class DrivenIterator:
    """An iterator under an invocation: flushed before its StopIteration, and at its close.

    Args:
        inner: The iterator.
        run: The invocation.
    """

    def __init__(self, inner: Iterator[Any], run: Run) -> None:
        self._inner = inner
        self._run = run

    def __iter__(self) -> DrivenIterator:
        return self

    def __next__(self) -> Any:
        try:
            with self._run.step():
                return next(self._inner)
        except StopIteration:
            self._run.close()
            raise
        except BaseException as error:
            self._run.close(error)
            raise

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
    """An asynchronous iterator under an invocation: flushed before its StopAsyncIteration, and at its close.

    Args:
        inner: The iterator.
        run: The invocation.
    """

    def __init__(self, inner: AsyncIterator[Any], run: Run) -> None:
        self._inner = inner
        self._run = run

    def __aiter__(self) -> DrivenAsyncIterator:
        return self

    async def __anext__(self) -> Any:
        try:
            with self._run.step():
                return await anext(self._inner)
        except StopAsyncIteration:
            await self._run.close_async()
            raise
        except BaseException as error:
            await self._run.close_async(error)
            raise

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


def generator_function(start: Callable[..., tuple[Generator[Any, Any, Any], Run]]) -> Callable[..., Any]:
    """Return a generator function that delegates as `yield from` does, each step within the invocation.

    Args:
        start: Called with the arguments at the first step; returns the generator to delegate to, and its invocation.
    """

    def driven(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
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
                    with run.step():
                        inner.close()
                    raise
                except BaseException as error:  # noqa: BLE001 -- whatever is thrown in is the inner generator's
                    step, arguments = inner.throw, (error,)
        except BaseException as error:
            run.close(error)
            raise

    return driven


def async_generator_function(start: Callable[..., tuple[AsyncGenerator[Any, Any], Run]]) -> Callable[..., Any]:
    """Return an asynchronous generator function that delegates to another, each step within the invocation.

    Args:
        start: Called with the arguments at the first step; returns the generator to delegate to, and its invocation.
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


async def drive_awaitable(inner: Awaitable[Any], run: Run) -> Any:
    """Await within the invocation, and flush before the result is handed on."""
    try:
        with run.step():
            result = await inner
    except BaseException as error:
        await run.close_async(error)
        raise
    return await conclude_async(result, run)


def conclude(result: Any, run: Run) -> Any:
    """End the invocation of a handler that has returned, or drive what it returned until that ends.

    Args:
        result: What the handler returned.
        run: The invocation.

    Returns:
        The same object, unless it is an iterator or a coroutine: then one that drives it.
    """
    kind = type(result)
    if hasattr(kind, "__await__") and hasattr(kind, "close"):
        return drive_awaitable(result, run)
    driven = _driven(result, run)
    if driven is None:
        run.close()
        return result
    return driven


async def conclude_async(result: Any, run: Run) -> Any:
    """Do what `conclude` does, without occupying the event loop."""
    driven = _driven(result, run)
    if driven is None:
        await run.close_async()
        return result
    return driven


def _driven(result: Any, run: Run) -> Any:
    """Return what drives a returned iterator, or None if what was returned is complete."""
    kind = type(result)
    if hasattr(kind, "__next__") and not hasattr(kind, "read"):
        drive = generator_function(lambda: (result, run)) if hasattr(kind, "send") else None
        return drive() if drive else DrivenIterator(result, run)
    if hasattr(kind, "__anext__"):
        drive = async_generator_function(lambda: (result, run)) if hasattr(kind, "asend") else None
        return drive() if drive else DrivenAsyncIterator(result, run)
    return None
