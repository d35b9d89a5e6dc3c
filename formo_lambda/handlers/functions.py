"""Makes the double of a handler: a function of the handler's own kind that opens an invocation for each call."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from formo_lambda.handlers import asgi, wsgi
from formo_lambda.handlers.outcome import conclude, conclude_async
from formo_lambda.handlers.streams import async_generator_function, generator_function, reference_to_generator

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.handlers.options import Invoker
    from formo_lambda.invocation.invocation import Invocation


def double_of(handler: Callable[..., Any], invoker: Invoker) -> Callable[..., Any]:
    """Return the double of a handler.

    Args:
        handler: A function, method, partial, or callable object.
        invoker: Opens the invocations.
    """
    import inspect  # noqa: PLC0415 -- decoration pays for it, import does not

    # What decides is the function at the bottom, under partials and behind __call__.
    function: Any = handler
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function):
        function = type(function).__call__
    faces = (handler, function)

    if any(map(inspect.iscoroutinefunction, faces)):
        double = _of_coroutine_function(handler, invoker)
    elif any(map(inspect.isasyncgenfunction, faces)):
        double = async_generator_function(
            lambda *args, **kwargs: (handler(*args, **kwargs), invoker.open(args, kwargs))
        )
    elif any(map(inspect.isgeneratorfunction, faces)):
        double = _of_generator_function(handler, invoker)
    else:
        double = _of_function(handler, invoker)
    # A function's attributes are marks that frameworks look for; an instance's own stay with the instance.
    updated = functools.WRAPPER_UPDATES if inspect.isroutine(handler) else ()
    return functools.update_wrapper(double, handler, updated=updated)


def _of_coroutine_function(handler: Callable[..., Any], invoker: Invoker) -> Callable[..., Any]:
    async def double(*args: Any, **kwargs: Any) -> Any:
        if asgi.is_lifespan(args):
            return await handler(*args, **kwargs)
        run, args = _begin(invoker, args, kwargs)
        try:
            with run.step():
                result = await handler(*args, **kwargs)
        except BaseException as error:
            await run.close_async(error)
            raise
        return await conclude_async(result, run, args, kwargs)

    return double


def _of_generator_function(handler: Callable[..., Any], invoker: Invoker) -> Callable[..., Any]:
    drive = generator_function(lambda *args, **kwargs: (handler(*args, **kwargs), invoker.open(args, kwargs)))

    def double(*args: Any, **kwargs: Any) -> Any:
        environ = wsgi.environ_of(args)
        if environ is None:
            held = reference_to_generator(sys._getframe())  # noqa: SLF001 -- its own
            return (yield from drive(held, *args, **kwargs))
        body = wsgi.respond(handler, args, kwargs, invoker.open((environ,), {}))
        try:
            return (yield from body)
        finally:
            body.close()

    return double


def _of_function(handler: Callable[..., Any], invoker: Invoker) -> Callable[..., Any]:
    def double(*args: Any, **kwargs: Any) -> Any:
        environ = wsgi.environ_of(args)
        if environ is not None:
            return wsgi.respond(handler, args, kwargs, invoker.open((environ,), {}))
        if asgi.is_lifespan(args):
            return handler(*args, **kwargs)
        run, args = _begin(invoker, args, kwargs)
        try:
            with run.step():
                result = handler(*args, **kwargs)
        except BaseException as error:
            run.close(error)
            raise
        return conclude(result, run, args, kwargs)

    return double


def _begin(invoker: Invoker, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Invocation, tuple[Any, ...]]:
    """Open the invocation of a call; of an ASGI application's, also have its messages observed."""
    scope = asgi.scope_of(args)
    if scope is None:
        return invoker.open(args, kwargs), args
    run = invoker.open((scope,), {})
    return run, asgi.observed(args, run)
