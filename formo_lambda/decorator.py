"""`formo_flush`: opens an invocation, calls the handler, closes it."""

from __future__ import annotations

import functools
import logging
import os
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, overload

from formo_lambda.client import FormoAnalytics
from formo_lambda.errors import ConfigurationError
from formo_lambda.platforms import PLATFORMS, detect
from formo_lambda.streams import async_generator_function, conclude, conclude_async, generator_function

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from formo_lambda.delivery.run import OnException, Run
    from formo_lambda.platforms import Platform

    Idempotency = Callable[..., str | None]

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")

logger = logging.getLogger("formo_lambda")


class _Decorator(Protocol):
    """What `formo_flush(...)` returns: it keeps the type of what it decorates."""

    @overload
    def __call__(self, handler: type[C], /) -> type[C]: ...
    @overload
    def __call__(self, handler: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def formo_flush(handler: type[C], /) -> type[C]: ...
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

    Args:
        handler: The handler, where the decorator is used bare.
        timeout: The most seconds the flush takes; None for each client's `flush_timeout`.
        clients: The clients to flush; None for those that were written to, and all with pending events.
        on_exception: What becomes of the events of a call that failed: "send", "discard", or a callable that is
            given the exception and says whether to send them.
        idempotency: Called with the handler's arguments; returns the key that the message ids of its events are
            derived from, so that a repeated call is counted once, or None.
        platforms: Platforms of your own, asked before those the package knows.

    Raises:
        TypeError: What is decorated cannot be called, or can never work so decorated.
        ConfigurationError: An option breaks its rule.
    """
    invoker = _Invoker(timeout, clients, on_exception, idempotency, platforms)
    return _wrap(handler, invoker) if handler is not None else functools.partial(_wrap, invoker=invoker)


class _Invoker:
    """The decorator's options, checked, and the one place that opens an invocation for a call."""

    def __init__(
        self,
        timeout: float | None,
        clients: Collection[FormoAnalytics] | None,
        on_exception: OnException,
        idempotency: Idempotency | None,
        own_platforms: Sequence[Platform],
    ) -> None:
        if timeout is not None and (
            isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout >= 0
        ):
            raise ConfigurationError("timeout", "must be a number of seconds, zero or more, or None")
        if on_exception not in ("send", "discard") and not callable(on_exception):
            raise ConfigurationError("on_exception", "must be 'send', 'discard', or a callable")
        if idempotency is not None and not callable(idempotency):
            raise ConfigurationError("idempotency", "must be a callable that returns a key, or None")
        if clients is not None:
            if not all(isinstance(client, FormoAnalytics) for client in clients):
                raise ConfigurationError("clients", "must be FormoAnalytics clients, or None for all")
            clients = tuple(clients)
        self._timeout = timeout
        self._clients = clients
        self._on_exception = on_exception
        self._idempotency = idempotency
        self._platforms = tuple(own_platforms)
        self._platform: Platform | None = None

    def open(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Run:
        """Open the invocation of one call."""
        from formo_lambda.delivery.run import Run  # noqa: PLC0415 -- loaded by the client's constructor

        platform = self._platform
        if platform is None:
            platform = self._platform = detect(os.environ, (*self._platforms, *PLATFORMS))
        remaining = functools.partial(platform.remaining, args, kwargs)
        outboxes = None if self._clients is None else [client._outbox for client in self._clients]  # noqa: SLF001 -- of the package
        key = None if self._idempotency is None else self._key(args, kwargs)
        return Run(
            on_exception=self._on_exception,
            timeout=self._timeout,
            clients=outboxes,
            remaining=remaining,
            idempotency_key=key,
        )

    def _key(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        try:
            key = self._idempotency(*args, **kwargs) if self._idempotency else None
        except Exception:
            logger.exception("idempotency raised; the events of this call get random ids")
            return None
        return None if key is None else str(key)


def _wrap(handler: Any, invoker: _Invoker) -> Any:
    """Return the handler's double, of the handler's own kind."""
    import inspect  # noqa: PLC0415 -- decoration pays for it, import does not

    _refuse_hopeless(handler)
    # What decides is the function at the bottom, under partials and behind __call__.
    function = handler
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function):
        function = type(function).__call__

    if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(function):

        async def double(*args: Any, **kwargs: Any) -> Any:
            run = invoker.open(args, kwargs)
            try:
                with run.step():
                    result = await handler(*args, **kwargs)
            except BaseException as error:
                await run.close_async(error)
                raise
            return await conclude_async(result, run)

    elif inspect.isasyncgenfunction(handler) or inspect.isasyncgenfunction(function):
        double = async_generator_function(
            lambda *args, **kwargs: (handler(*args, **kwargs), invoker.open(args, kwargs))
        )
    elif inspect.isgeneratorfunction(handler) or inspect.isgeneratorfunction(function):
        double = generator_function(lambda *args, **kwargs: (handler(*args, **kwargs), invoker.open(args, kwargs)))
    else:

        def double(*args: Any, **kwargs: Any) -> Any:  # type: ignore[misc]
            run = invoker.open(args, kwargs)
            try:
                with run.step():
                    result = handler(*args, **kwargs)
            except BaseException as error:
                run.close(error)
                raise
            return conclude(result, run)

    # An instance's own attributes stay with the instance.
    functools.update_wrapper(double, handler, updated=())
    return double


def _refuse_hopeless(handler: Any) -> None:
    if not callable(handler):
        raise TypeError(f"formo_flush decorates a handler, and {type(handler).__name__} objects cannot be called")
