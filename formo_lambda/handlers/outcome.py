"""Ends the invocation of a handler that has returned, or has what it returned do so when that ends."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from formo_lambda.handlers.responses import Body, Meter, find_body
from formo_lambda.handlers.streams import (
    DrivenAsyncIterator,
    DrivenIterator,
    async_generator_function,
    generator_function,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from formo_lambda.invocation.invocation import Invocation


def conclude(result: Any, run: Invocation, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
    """End the invocation of a handler that has returned, or drive what it returned until that ends.

    Args:
        result: What the handler returned.
        run: The invocation.
        args: The handler's positional arguments.
        kwargs: Its keyword arguments.

    Returns:
        The same object, unless it is an iterator or a coroutine: then one that drives it. Of a response whose body is
        an iterator only that is exchanged.
    """
    kind = type(result)
    if hasattr(kind, "__await__") and hasattr(kind, "close"):
        return _driving_coroutine(result, run, args, kwargs)
    body = find_body(result)
    if body is None:
        run.close()
        return result
    meter = Meter(body, (*args, *(kwargs or {}).values()))
    if meter.begin():
        run.flush(failed=meter.failed)
    return body.replaced_by(_driven(body, result, run, meter))


async def conclude_async(
    result: Any, run: Invocation, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
) -> Any:
    """Do what `conclude` does, without occupying the event loop."""
    body = find_body(result)
    if body is None:
        await run.close_async()
        return result
    meter = Meter(body, (*args, *(kwargs or {}).values()))
    if meter.begin():
        await run.flush_async(failed=meter.failed)
    return body.replaced_by(_driven(body, result, run, meter))


def _driving_coroutine(inner: Any, run: Invocation, args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> Any:
    """Return a coroutine that awaits another within the invocation, and flushes before it hands the result on."""

    async def drive() -> Any:
        unused.detach()
        try:
            with run.step():
                result = await inner
        except BaseException as error:
            await run.close_async(error)
            raise
        return await conclude_async(result, run, args, kwargs)

    driver = drive()
    # If this one is closed before its first step, as one may, nobody else would close the other.
    unused = weakref.finalize(driver, inner.close)
    unused.atexit = False
    return driver


def _driven(body: Body, result: Any, run: Invocation, meter: Meter) -> Any:
    """Return what drives a body: a generator where the result itself is one."""
    kind = type(body.parts)
    if hasattr(kind, "asend"):
        return _from_first_step(lambda start: async_generator_function(start, meter), body.parts, run)
    if hasattr(kind, "__aiter__"):
        return DrivenAsyncIterator(body.parts, run, meter)
    if hasattr(kind, "send") and body.parts is result:
        return _from_first_step(lambda start: partial(generator_function(start), None), body.parts, run)
    return DrivenIterator(body.parts, run, meter)


def _from_first_step(drive: Callable[[Callable[[], Any]], Callable[[], Any]], inner: Any, run: Invocation) -> Any:
    """Return a generator that drives another. One that is dropped before its first step drops the invocation, too."""
    return drive(lambda: (inner, run))()
