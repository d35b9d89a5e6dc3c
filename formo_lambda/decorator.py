"""`formo_flush`: which wrapper a handler gets, or which of its parts are decorated in place."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, overload

from formo_lambda import asgi, wsgi
from formo_lambda.handlers.classes import decorate_class
from formo_lambda.handlers.functions import wrapper_of
from formo_lambda.handlers.options import FlushOptions, HandlerOptions

if TYPE_CHECKING:
    import typing_extensions
else:
    from formo_lambda.lazy import typing_extensions


class _Starlette(Protocol):
    """**Protocol:** an application of Starlette, FastAPI, or what derives from them."""

    user_middleware: Any

    def add_middleware(self, middleware_class: Any, /) -> None:
        """Put a middleware around the application."""


class _Quart(Protocol):
    """**Protocol:** an application of Quart."""

    async def asgi_app(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""


class _Flask(Protocol):
    """**Protocol:** an application of Flask."""

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        """Answer one request."""


P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")
A = TypeVar("A", bound="_Starlette | _Quart | _Flask")


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
def formo_flush(**options: typing_extensions.Unpack[FlushOptions]) -> _Decorator: ...
def formo_flush(handler: Any = None, /, **options: typing_extensions.Unpack[FlushOptions]) -> Any:
    """Send what a handler tracked before its result is handed on.

    The handler keeps its signature, its kind (function, coroutine function, generator, method, partial, callable
    object), its value and its exceptions. Tracked events are buffered for each call apart from all others, also in
    code that the handler calls; with none, nothing happens. Where a call carries an AWS Lambda context, the flush
    ends before the deadline in it.

    Web applications are handlers, too: called as WSGI or ASGI has it, they get the middleware's flushes. Objects of
    Flask, Quart, Starlette and FastAPI are given the middleware and stay what they are, and so do classes that derive
    from `http.server.BaseHTTPRequestHandler`, whose methods each become a handler.

    Args:
        handler: The handler, where the decorator is used bare.
        **options: By name, each may be left out:
            timeout (float | None): The most seconds, zero or more, that the flushes of one call take. Default None:
                each client's `flush_timeout`.
            clients (Collection[FormoAnalytics] | None): The clients to flush. Default None: those that were written
                to, and all with pending events.
            on_exception ("send" | "discard" | Callable): What becomes of the events of a call that failed; a callable
                is given the exception and says whether to send them. Default "send".
            idempotency (Callable | None): Called with the handler's arguments (of a web application, with its scope or
                environ alone); returns the key that the message ids of its events are derived from, so that a repeated
                call is counted once, or None. Default None: random ids.
            platforms (Sequence[Platform]): Platforms of your own, asked before those the package knows. Default ().

    Raises:
        TypeError: What is decorated cannot be called, or can never work so decorated; or there is no option of that
            name.
        ConfigurationError: An option breaks its rule.
    """
    checked = HandlerOptions("formo_flush", options)
    return _decorate(handler, checked) if handler is not None else functools.partial(_decorate, options=checked)


def _decorate(handler: Any, options: HandlerOptions) -> Any:
    if hasattr(getattr(handler, "__dict__", {}).get("_function"), "get_user_function"):
        # What Azure's decorators return keeps the function from before: a wrapper around it would never be called.
        raise TypeError(
            "formo_flush must stand below the decorators of Azure Functions, directly above `def`: "
            "@app.route(...) first, @formo_flush last"
        )
    if isinstance(handler, type):
        return decorate_class(handler, functools.partial(wrapper_of, options=options))
    if _has_taken_middleware(handler, options.given):
        return handler
    return wrapper_of(handler, options)


def _has_taken_middleware(application: Any, options: FlushOptions) -> bool:
    """Put the middleware into an application that has a place for it; return whether it has.

    Build tools and command line tools of the frameworks look for the object itself: a function around it would hide
    its routes.
    """
    kind = type(application)
    if hasattr(kind, "add_middleware") and hasattr(application, "user_middleware"):  # Starlette, FastAPI
        application.add_middleware(asgi.FormoFlushMiddleware, **options)
    elif hasattr(kind, "asgi_app"):  # Quart
        application.asgi_app = asgi.FormoFlushMiddleware(application.asgi_app, **options)
    elif hasattr(kind, "wsgi_app"):  # Flask
        application.wsgi_app = wsgi.FormoFlushMiddleware(application.wsgi_app, **options)
    else:
        return False
    return True
