"""`formo_flush`: opens an invocation, calls the handler, closes it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, overload

from formo_lambda.applications import adopt
from formo_lambda.handlers.classes import decorate_class
from formo_lambda.handlers.functions import double_of
from formo_lambda.handlers.options import Invoker

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from formo_lambda.applications import WebApplication
    from formo_lambda.client import FormoAnalytics
    from formo_lambda.handlers.options import Idempotency
    from formo_lambda.invocation.invocation import OnException
    from formo_lambda.platforms import Platform

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")
A = TypeVar("A", bound="WebApplication")


class _Decorator(Protocol):
    """What `formo_flush(...)` returns: it keeps the type of what it decorates."""

    @overload
    def __call__(self, handler: type[C], /) -> type[C]: ...
    @overload
    def __call__(self, handler: A, /) -> A: ...
    @overload
    def __call__(self, handler: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def formo_flush(handler: type[C], /) -> type[C]: ...
@overload
def formo_flush(handler: A, /) -> A: ...
@overload
def formo_flush(handler: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def formo_flush(
    *,
    timeout: float | None = None,
    clients: Collection[FormoAnalytics] | None = None,
    on_exception: OnException = "send",
    idempotency: Idempotency | None = None,
    platforms: Sequence[Platform] = (),
) -> _Decorator: ...
def formo_flush(
    handler: Any = None,
    /,
    *,
    timeout: float | None = None,
    clients: Collection[FormoAnalytics] | None = None,
    on_exception: OnException = "send",
    idempotency: Idempotency | None = None,
    platforms: Sequence[Platform] = (),
) -> Any:
    """Send what a handler tracked before its result is handed on.

    The handler keeps its signature, its kind (function, coroutine function, generator, method, partial, callable
    object), its value and its exceptions. Tracked events are buffered for each call apart from all others, also in
    code that the handler calls; with none, nothing happens. Where a call carries an AWS Lambda context, the flush
    ends before the deadline it tells.

    Web applications are handlers, too: called as WSGI or ASGI has it, they get the middleware's flushes. Objects of
    Flask, Quart, Starlette and FastAPI are given the middleware and stay what they are, and so do classes that derive
    from `http.server.BaseHTTPRequestHandler`, whose methods each become a handler.

    Args:
        handler: The handler, where the decorator is used bare.
        timeout: The most seconds the flush takes; None for each client's `flush_timeout`.
        clients: The clients to flush; None for those that were written to, and all with pending events.
        on_exception: What becomes of the events of a call that failed: "send", "discard", or a callable that is
            given the exception and says whether to send them.
        idempotency: Called with the handler's arguments (of a web application, with its scope or environ alone);
            returns the key that the message ids of its events are derived from, so that a repeated call is counted
            once, or None.
        platforms: Platforms of your own, asked before those the package knows.

    Raises:
        TypeError: What is decorated cannot be called, or can never work so decorated.
        ConfigurationError: An option breaks its rule.
    """
    invoker = Invoker(
        timeout=timeout, clients=clients, on_exception=on_exception, idempotency=idempotency, platforms=platforms
    )
    return _wrap(handler, invoker) if handler is not None else functools.partial(_wrap, invoker=invoker)


def _wrap(handler: Any, invoker: Invoker) -> Any:
    """Return the handler's double, of the handler's own kind."""
    if isinstance(handler, (staticmethod, classmethod)):
        return type(handler)(_wrap(handler.__func__, invoker))
    _refuse_hopeless(handler)
    if isinstance(handler, type):
        return decorate_class(handler, lambda method: _wrap(method, invoker))
    if adopt(handler, invoker):
        return handler
    return double_of(handler, invoker)


def _refuse_hopeless(handler: Any) -> None:
    if not callable(handler):
        raise TypeError(f"formo_flush decorates a handler, and {type(handler).__name__} objects cannot be called")
    if hasattr(getattr(handler, "__dict__", {}).get("_function"), "get_user_function"):
        # What Azure's decorators return keeps the function from before: a wrapper around it would never be called.
        raise TypeError(
            "formo_flush must stand below the decorators of Azure Functions, directly above `def`: "
            "@app.route(...) first, @formo_flush last"
        )
