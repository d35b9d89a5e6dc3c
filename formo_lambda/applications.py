"""Decorates the application object of a web framework in place, so that it stays what its framework made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formo_lambda import asgi, wsgi

if TYPE_CHECKING:
    from formo_lambda.invoker import Invoker


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
