"""The wrapper of a handler: of the handler's own kind, it opens an invocation for each call, and ends it.

What a handler is, is found out when it is decorated:

| kind                      | its events are sent                                                                      |
| ------------------------- | ---------------------------------------------------------------------------------------- |
| function                  | before its result is handed on; of what it returns to be awaited or iterated: at its end |
| coroutine function        | before its result is handed on                                                           |
| generator function        | before its end, or when it is closed                                                     |
| async generator function  | likewise                                                                                 |
| method, partial, object   | as the function at its bottom                                                            |
| staticmethod, classmethod | as the function in it                                                                    |
| web application           | before its response is complete, and when it is done                                     |

Only a call can tell a web application from another function. Its last argument is a callable, which no event and no
Lambda context is: all other calls pay for one look at that.
"""

from __future__ import annotations

import functools
import sys
import weakref
from typing import TYPE_CHECKING, Any

from formo_lambda.handlers import asgi, wsgi
from formo_lambda.handlers.responses import find_body, is_coroutine
from formo_lambda.handlers.streams import Holder, async_generator_function, delegate, wrap_body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from formo_lambda.handlers.options import HandlerOptions
    from formo_lambda.invocation.invocation import Invocation


def wrapper_of(handler: Any, options: HandlerOptions) -> Any:
    """Return the wrapper of a handler.

    Args:
        handler: A function, method, partial, callable object, staticmethod or classmethod.
        options: Opens the invocations.

    Raises:
        TypeError: It cannot be called.
    """
    import inspect  # noqa: PLC0415 -- decoration pays for it, import does not

    if isinstance(handler, (staticmethod, classmethod)):
        return type(handler)(wrapper_of(handler.__func__, options))
    if not callable(handler):
        raise TypeError(f"formo_flush decorates a handler, and {type(handler).__name__} objects cannot be called")
    # What decides is the function at the bottom, under partials and behind __call__.
    function: Any = handler
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function):
        function = type(function).__call__

    if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(function):
        wrapper = _of_coroutine_function(handler, options)
    elif inspect.isasyncgenfunction(handler) or inspect.isasyncgenfunction(function):
        wrapper = _of_async_generator_function(handler, options)
    elif inspect.isgeneratorfunction(handler) or inspect.isgeneratorfunction(function):
        wrapper = _of_generator_function(handler, options)
    else:
        wrapper = _of_function(handler, options)
    # A function's attributes are marks that frameworks look for; an instance's own stay with the instance.
    updated = functools.WRAPPER_UPDATES if inspect.isroutine(handler) else ()
    return functools.update_wrapper(wrapper, handler, updated=updated)


def _of_function(handler: Callable[..., Any], options: HandlerOptions) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if args and callable(args[-1]):
            if wsgi.is_call(args):
                return wsgi.respond(handler, args, kwargs, options)
            if asgi.is_call(args):
                return asgi.serve(handler, args, kwargs, options)
        invocation = options.open(args, kwargs)
        try:
            with invocation.step():
                result = handler(*args, **kwargs)
        except BaseException as error:
            invocation.close(error)
            raise
        if is_coroutine(result):
            return _finish_coroutine(result, invocation, args, kwargs)
        return _finish(result, invocation, args, kwargs)

    return wrapper


def _of_coroutine_function(handler: Callable[..., Any], options: HandlerOptions) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        if args and callable(args[-1]) and asgi.is_call(args):
            return await asgi.serve(handler, args, kwargs, options)
        invocation = options.open(args, kwargs)
        try:
            with invocation.step():
                result = await handler(*args, **kwargs)
        except BaseException as error:
            await invocation.close_async(error)
            raise
        return await _finish_async(result, invocation, args, kwargs)

    return wrapper


def _of_async_generator_function(handler: Callable[..., Any], options: HandlerOptions) -> Callable[..., Any]:
    return async_generator_function(lambda *args, **kwargs: (handler(*args, **kwargs), options.open(args, kwargs)))


def _of_generator_function(handler: Callable[..., Any], options: HandlerOptions) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if args and callable(args[-1]) and wsgi.is_call(args):
            body = wsgi.respond(handler, args, kwargs, options)
            try:
                return (yield from body)
            finally:
                body.close()
        holder = Holder(sys._getframe())  # noqa: SLF001 -- its own
        return (yield from delegate(holder, lambda: (handler(*args, **kwargs), options.open(args, kwargs))))

    return wrapper


def _finish(result: Any, invocation: Invocation, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """End the invocation of a handler that has returned, or with the body of what it returned, and return that."""
    body = find_body(result)
    if body is None:
        invocation.close()
        return result
    if body.is_empty((*args, *kwargs.values())):
        invocation.flush(failed=body.failed)
    return body.replaced_by(wrap_body(body, invocation, is_result=body.parts is result))


async def _finish_async(result: Any, invocation: Invocation, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Do what `_finish` does, without occupying the event loop."""
    body = find_body(result)
    if body is None:
        await invocation.close_async()
        return result
    if body.is_empty((*args, *kwargs.values())):
        await invocation.flush_async(failed=body.failed)
    return body.replaced_by(wrap_body(body, invocation, is_result=body.parts is result))


def _finish_coroutine(result: Any, invocation: Invocation, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return a coroutine that awaits another within the invocation, and ends it before it hands the result on."""

    async def wrapper() -> Any:
        unused.detach()
        try:
            with invocation.step():
                value = await result
        except BaseException as error:
            await invocation.close_async(error)
            raise
        return await _finish_async(value, invocation, args, kwargs)

    coroutine = wrapper()
    # If this one is closed before its first step, as one may, nobody else would close the other.
    unused = weakref.finalize(coroutine, result.close)
    unused.atexit = False
    return coroutine
