"""`FormoFlushMiddleware` for WSGI applications: sends what a request tracked before its response is complete.

```python
app = Flask(__name__)
app.wsgi_app = FormoFlushMiddleware(app.wsgi_app)  # Flask keeps being the application
application = FormoFlushMiddleware(get_wsgi_application())  # Django, and any other WSGI application
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formo_lambda.handlers.options import Invoker
from formo_lambda.handlers.wsgi import respond

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from formo_lambda.client import FormoAnalytics
    from formo_lambda.handlers.options import Idempotency
    from formo_lambda.invocation.invocation import OnException
    from formo_lambda.platforms import Platform

    Environ = dict[str, Any]
    # Any: frameworks have types of their own for `start_response`.
    Application = Callable[[Environ, Any], Iterable[bytes]]

__all__ = ["FormoFlushMiddleware"]


class FormoFlushMiddleware:
    """Flush what each request tracked before the bytes that complete its response, and again when it is done.

    A body is never read ahead: each part is handed on as it comes. A body that is complete when the application
    returns (a list, a file) is handed on as it is.

    Args:
        app: The application.
        timeout: The most seconds that the flushes of one request take; None for each client's `flush_timeout`.
        clients: The clients to flush; None for those that were written to, and all with pending events.
        on_exception: What becomes of the events of a request whose exception leaves the application: "send",
            "discard", or a callable that is given the exception and says whether to send them.
        idempotency: Called with the environ; returns the key that the message ids of the request's events are
            derived from, so that a repeated request is counted once, or None.
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

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        body: Iterable[bytes] = respond(self.app, (environ, start_response), {}, self._invoker.open((environ,), {}))
        return body
