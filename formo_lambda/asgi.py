"""`FormoFlushMiddleware` for ASGI applications: sends what a request tracked before its response is complete.

```python
app = FastAPI()
app.add_middleware(FormoFlushMiddleware)  # Starlette and what is built on it
application = FormoFlushMiddleware(get_asgi_application())  # Django, and any other ASGI application
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formo_lambda.handlers.asgi import is_lifespan, observed
from formo_lambda.handlers.options import Invoker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from formo_lambda.client import FormoAnalytics
    from formo_lambda.handlers.options import Idempotency
    from formo_lambda.invocation.invocation import OnException
    from formo_lambda.platforms import Platform

    # Any: every framework has types of its own for scopes and messages, and no two of them fit each other.
    Application = Callable[[Any, Any, Any], Awaitable[None]]

__all__ = ["FormoFlushMiddleware"]


class FormoFlushMiddleware:
    """Flush what each request tracked before the message that completes its response, and again when it is done.

    Events of background tasks, which run after the response, leave when the application returns. A websocket is one
    invocation: its events leave as they would anywhere, and at the latest when it is closed. The event loop is never
    blocked, and no message is held back but for a flush.

    Args:
        app: The application.
        timeout: The most seconds that the flushes of one request take; None for each client's `flush_timeout`.
        clients: The clients to flush; None for those that were written to, and all with pending events.
        on_exception: What becomes of the events of a request whose exception leaves the application: "send",
            "discard", or a callable that is given the exception and says whether to send them.
        idempotency: Called with the scope; returns the key that the message ids of the request's events are derived
            from, so that a repeated request is counted once, or None.
        platforms: Platforms of your own, asked before those the package knows.

    Raises:
        ConfigurationError: An option breaks its rule.
    """

    def __init__(
        self,
        app: Application,
        *,
        timeout: float | None = None,
        clients: Collection[FormoAnalytics] | None = None,
        on_exception: OnException = "send",
        idempotency: Idempotency | None = None,
        platforms: Sequence[Platform] = (),
    ) -> None:
        self.app = app
        self._invoker = Invoker(
            timeout=timeout, clients=clients, on_exception=on_exception, idempotency=idempotency, platforms=platforms
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if is_lifespan((scope, receive, send)):
            await self.app(scope, receive, send)
            return
        async with self._invoker.open((scope,), {}) as run:
            await self.app(*observed((scope, receive, send), run))
