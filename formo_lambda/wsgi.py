"""`FormoFlushMiddleware` for WSGI applications: sends what a request tracked before its response is complete.

```python
app = Flask(__name__)
app.wsgi_app = FormoFlushMiddleware(app.wsgi_app)  # Flask keeps being the application
application = FormoFlushMiddleware(get_wsgi_application())  # Django, and any other WSGI application
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from formo_lambda.handlers.options import FlushOptions, HandlerOptions
from formo_lambda.handlers.wsgi import respond

if TYPE_CHECKING:
    import typing_extensions
else:
    from formo_lambda.lazy import typing_extensions

# Any: frameworks have types of their own for `start_response`.
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

__all__ = ["FormoFlushMiddleware"]


class FormoFlushMiddleware:
    """Flush what each request tracked before the bytes that complete its response, and again when it is done.

    A body is never read ahead: each part is handed on as it comes. A body that is complete when the application
    returns (a list, a file) is handed on as it is.

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

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        body: Iterable[bytes] = respond(self.app, (environ, start_response), {}, self._options)
        return body
