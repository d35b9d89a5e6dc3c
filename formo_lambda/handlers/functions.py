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

A coroutine function or generator function runs nothing when it is called, so the wrapper calls it at once: wrong
arguments raise where they would without it. The invocation is opened at the first step of what it returned.
"""

from __future__ import annotations

import functools
import weakref
from types import MethodType
from typing import TYPE_CHECKING, Any

from formo_lambda.handlers import asgi, wsgi
from formo_lambda.handlers.proxies import proxied, proxy_class, proxy_of
from formo_lambda.handlers.responses import find_body, is_coroutine
from formo_lambda.handlers.streams import delegate, delegate_async, wrap_body

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence

    from formo_lambda.handlers.options import HandlerOptions
    from formo_lambda.handlers.responses import Body
    from formo_lambda.invocation.invocation import Invocation


def wrapper_of(handler: Any, options: HandlerOptions) -> Any:
    """Return the wrapper of a handler.

    Args:
        handler: A function, method, partial, callable object, staticmethod or classmethod.
        options: Opens the invocations.

    Raises:
        TypeError: It cannot be called.
    """
    if isinstance(handler, (staticmethod, classmethod)):
        return type(handler)(wrapper_of(handler.__func__, options))
    if not callable(handler):
        raise TypeError(f"formo_flush decorates a handler, and {type(handler).__name__} objects cannot be called")
    return _wrapper(handler, _call_of(handler)(handler, options))


def _wrapper(handler: Any, call: Callable[..., Any]) -> Any:
    """Return what is like the handler in everything, but is called in another way."""
    import inspect  # noqa: PLC0415 -- decoration pays for it, import does not

    methods: dict[str, Any] = {"__call__": staticmethod(call)}
    if hasattr(type(handler), "__get__"):
        methods["__get__"] = _bound
    if inspect.isfunction(handler):
        # Functions are pickled by their name, which is now the wrapper's.
        methods["__reduce_ex__"] = lambda *_: handler.__qualname__
    # Who looks at `__call__`, as servers do, finds what the handler has there.
    attributes = {"__call__": lambda _: _wrapper(handler.__call__, call), "__wrapped__": lambda _: handler}
    if not inspect.isroutine(handler):
        # Where `__wrapped__` is not followed, the class of an object is asked, which is the wrapper's.
        attributes["__signature__"] = lambda _: inspect.signature(handler)
    return proxy_of(handler, proxy_class(type(handler), methods, attributes))


def _bound(wrapper: Any, instance: Any, owner: type | None = None) -> Any:
    """Return what a wrapper is as an attribute of an instance: a method, where its handler becomes one."""
    handler = proxied(wrapper)
    return wrapper if handler.__get__(instance, owner) is handler else MethodType(wrapper, instance)


def _call_of(handler: Any) -> Callable[[Any, HandlerOptions], Callable[..., Any]]:
    """Return what makes the calls of a handler of this kind."""
    import inspect  # noqa: PLC0415 -- see above

    # What decides is the function at the bottom, under partials and behind __call__.
    function: Any = handler
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function):
        function = function.__call__
    # Its code, not what it is marked as: a plain function that is marked as a coroutine function runs when called.
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    if not isinstance(flags, int):
        flags = 0
    if flags & inspect.CO_ITERABLE_COROUTINE:
        return _of_generator_based_coroutine_function
    if flags & inspect.CO_COROUTINE:
        return _of_coroutine_function
    if flags & inspect.CO_ASYNC_GENERATOR:
        return _of_async_generator_function
    return _of_generator_function if flags & inspect.CO_GENERATOR else _of_function


def _of_function(handler: Callable[..., Any], options: HandlerOptions) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        if (args and callable(args[-1])) or kwargs:
            if wsgi.is_call(args, kwargs):
                return wsgi.respond(handler, args, kwargs, options)
            args, kwargs, start = asgi.observed(args, kwargs, options)
            if start is None:
                return handler(*args, **kwargs)
            invocation = start()
        else:
            invocation = options.open(args, kwargs)
        try:
            with invocation.step():
                result = handler(*args, **kwargs)
            if is_coroutine(result):
                return _named(_awaited([result], lambda: invocation, args, kwargs), result)
            return _finish(result, invocation, args, kwargs)
        except BaseException as error:
            invocation.close(error)
            raise

    return call


def _of_coroutine_function(handler: Callable[..., Any], options: HandlerOptions) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        start: Callable[[], Invocation] | None = functools.partial(options.open, args, kwargs)
        if (args and callable(args[-1])) or kwargs:
            args, kwargs, start = asgi.observed(args, kwargs, options)
        if start is None:
            return handler(*args, **kwargs)
        made: list[Any] = []
        outer = _awaited(made, start, args, kwargs)
        try:
            return _delegating(outer, made, handler(*args, **kwargs))
        except BaseException:
            outer.close()  # else Python warns that nobody awaited it
            raise

    return call


def _of_generator_based_coroutine_function(handler: Callable[..., Any], options: HandlerOptions) -> Callable[..., Any]:
    import types  # noqa: PLC0415 -- decoration pays for it, import does not

    @types.coroutine
    def delegate_to(made: list[Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Generator[Any, Any, Any]:
        return (yield from _awaited(made, lambda: options.open(args, kwargs), args, kwargs))

    def call(*args: Any, **kwargs: Any) -> Any:
        made: list[Any] = []
        return _delegating(delegate_to(made, args, kwargs), made, handler(*args, **kwargs))

    return call


def _of_async_generator_function(handler: Callable[..., Any], options: HandlerOptions) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        made: list[Any] = []
        outer = delegate_async(made, lambda: options.open(args, kwargs))
        return _delegating(outer, made, handler(*args, **kwargs))

    return call


def _of_generator_function(handler: Callable[..., Any], options: HandlerOptions) -> Callable[..., Any]:
    def respond(args: Sequence[Any], kwargs: dict[str, Any]) -> Generator[Any, Any, Any]:
        body = wsgi.respond(handler, args, kwargs, options)
        try:
            return (yield from body)
        finally:
            body.close()

    def call(*args: Any, **kwargs: Any) -> Any:
        if ((args and callable(args[-1])) or kwargs) and wsgi.is_call(args, kwargs):
            return _named(respond(args, kwargs), handler(*args, **kwargs))
        made: list[Any] = []
        outer = delegate(made, lambda: options.open(args, kwargs))
        return _delegating(outer, made, handler(*args, **kwargs))

    return call


def _delegating(outer: Any, made: list[Any], inner: Any) -> Any:
    """Give a coroutine or generator what it is to delegate to, and the names of that, which tracebacks show.

    The inner one is made after the outer one, because the garbage collector ends what is older first.
    """
    made.append(inner)
    return _named(outer, inner)


def _named(outer: Any, inner: Any) -> Any:
    """Give a coroutine or generator the names of another, which tracebacks and warnings show."""
    outer.__name__ = getattr(inner, "__name__", outer.__name__)
    outer.__qualname__ = getattr(inner, "__qualname__", outer.__qualname__)
    return outer


def _finish(result: Any, invocation: Invocation, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """End the invocation of a handler that has returned, or with the body of what it returned, and return that."""
    body = find_body(result)
    if body is None:
        invocation.close()
        return result
    if body.is_empty((*args, *kwargs.values())):
        invocation.flush(failed=body.failed)
    return _with_body_wrapped(body, result, invocation)


async def _finish_async(result: Any, invocation: Invocation, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Do what `_finish` does, without occupying the event loop."""
    body = find_body(result)
    if body is None:
        await invocation.close_async()
        return result
    if body.is_empty((*args, *kwargs.values())):
        await invocation.flush_async(failed=body.failed)
    return _with_body_wrapped(body, result, invocation)


def _with_body_wrapped(body: Body, result: Any, invocation: Invocation) -> Any:
    is_result = body.parts is result
    wrapped = wrap_body(body, invocation, is_result=is_result)
    return body.replaced_by(_named(wrapped, result) if is_result and hasattr(result, "__qualname__") else wrapped)


#: What nobody has begun to await yet, by weak references to what is awaited in its place.
_unused: dict[weakref.ref[Any], list[Any]] = {}


def _awaited(
    made: list[Any], start: Callable[[], Invocation], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Coroutine[Any, Any, Any]:
    """Return a coroutine that awaits another within an invocation, and ends that before it hands the result on.

    Args:
        made: Holds the other, before the first step.
        start: Called at the first step; returns the invocation.
        args: The handler's positional arguments.
        kwargs: Its keyword arguments.
    """

    async def outer() -> Any:
        _unused.pop(reference)
        invocation = start()
        try:
            with invocation.step():
                value = await made.pop()
            return await _finish_async(value, invocation, args, kwargs)
        except BaseException as error:
            await invocation.close_async(error)
            raise

    coroutine = outer()
    reference = weakref.ref(coroutine, _close_unused)
    _unused[reference] = made
    return coroutine


def _close_unused(reference: weakref.ref[Any]) -> None:
    """Close what was to be awaited by a coroutine that is gone before its first step."""
    for inner in _unused.pop(reference, ()):
        inner.close()
