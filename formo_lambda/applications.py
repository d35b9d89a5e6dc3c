"""Decorates the application object of a web framework in place, so that it stays what its framework made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from formo_lambda import asgi, wsgi

if TYPE_CHECKING:
    from typing import TypeAlias

    from formo_lambda.handlers.options import Invoker

    #: What `adopt` takes, for type checkers.
    WebApplication: TypeAlias = "_Starlette | _Quart | _Flask"


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


def adopt(application: Any, invoker: Invoker) -> bool:
    """Put the middleware into an application that has a place for it; return whether it has.

    Build tools and command line tools of the frameworks look for the object itself: a function around it would hide
    its routes.

    Args:
        application: What is decorated.
        invoker: Has the options.
    """
    kind = type(application)
    options = invoker.options
    if hasattr(kind, "add_middleware") and hasattr(application, "user_middleware"):  # Starlette, FastAPI
        application.add_middleware(asgi.FormoFlushMiddleware, **options)
    elif hasattr(kind, "asgi_app"):  # Quart
        application.asgi_app = asgi.FormoFlushMiddleware(application.asgi_app, **options)
    elif hasattr(kind, "wsgi_app"):  # Flask
        application.wsgi_app = wsgi.FormoFlushMiddleware(application.wsgi_app, **options)
    else:
        return False
    return True
