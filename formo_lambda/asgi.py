"""`FormoFlushMiddleware` for ASGI applications: sends what a request tracked before its response is complete.

```python
app = FastAPI()
app.add_middleware(FormoFlushMiddleware)  # Starlette and what is built on it
application = FormoFlushMiddleware(get_asgi_application())  # Django, and any other ASGI application
```
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from formo_lambda.handlers.asgi import serve
from formo_lambda.handlers.options import FlushOptions, HandlerOptions

if TYPE_CHECKING:
    import typing_extensions
else:
    from formo_lambda.lazy import typing_extensions

# Any: every framework has types of its own for scopes and messages, and no two of them fit each other.
Application = Callable[[Any, Any, Any], Awaitable[None]]

__all__ = ["FormoFlushMiddleware"]


class FormoFlushMiddleware:
    """Flush what each request tracked before the message that completes its response, and again when it is done.

    Events of background tasks, which run after the response, are sent when the application returns. A websocket is one
    invocation: its events are sent as anywhere, and at the latest when it is closed. The event loop is never blocked,
    and no message is held back but for a flush.

    Args:
        app: The application.
        **options: The options of `formo_flush`, by name: `timeout`, `clients`, `on_exception`, `idempotency`,
            `platforms`.

    Raises:
        ConfigurationError: An option breaks its rule.
        TypeError: There is no option of that name.
    """

    def __init__(self, app: Application, **options: typing_extensions.Unpack[FlushOptions]) -> None:
        self.app = app
        self._options = HandlerOptions("FormoFlushMiddleware.__init__", options)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        await serve(self.app, scope, receive, send, self._options)
