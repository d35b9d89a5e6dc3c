"""A WSGI application within an invocation: the flush comes before the bytes that complete the response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formo_lambda.handlers.responses import Progress
from formo_lambda.handlers.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from formo_lambda.handlers.options import HandlerOptions
    from formo_lambda.invocation.invocation import Invocation

    Write = Callable[[bytes], object]


def is_call(args: Sequence[Any]) -> bool:
    """Whether a server calls a WSGI application with these arguments, perhaps after the `self` of a method."""
    return len(args) >= 2 and issubclass(type(args[-2]), dict) and "wsgi.version" in args[-2] and callable(args[-1])


def respond(app: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], options: HandlerOptions) -> Any:
    """Call a WSGI application within an invocation.

    Args:
        app: The application.
        args: Its arguments, the last two of which are `environ` and `start_response`.
        kwargs: Its keyword arguments, if its author called for any.
        options: Opens the invocation.

    Returns:
        What the application returned, or an iterator over it that flushes when it is time.
    """
    *before, environ, start_response = args
    invocation = options.open((environ,), {})
    progress = Progress(environ.get("REQUEST_METHOD", ""))
    try:
        with invocation.step():
            body = app(*before, environ, _observed(start_response, invocation, progress), **kwargs)
    except BaseException as error:
        invocation.close(error)
        raise
    if _is_complete(body, environ):
        invocation.close()
        return body
    return _Body(body, invocation, progress)


def _is_complete(body: Any, environ: dict[str, Any]) -> bool:
    """Whether nothing of the application runs any more while the server sends the body."""
    # The server recognises its own file wrapper, to send the file in a faster way.
    file_wrapper = environ.get("wsgi.file_wrapper")
    if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
        return True
    return isinstance(body, (list, tuple, bytes, str)) or not hasattr(body, "__iter__")


def _observed(start_response: Callable[..., Write], invocation: Invocation, progress: Progress) -> Callable[..., Write]:
    """Return a `start_response` that notes the head, and the bytes that are written."""

    def observed(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Write:
        length = next((value for name, value in headers if name.lower() == "content-length"), None)
        code = status[:3]
        if progress.start(int(code) if code.isdecimal() else 200, length):
            invocation.flush(failed=progress.failed)  # Some servers send the head at once.
        write = start_response(status, headers, *exc_info)

        def observed_write(data: bytes) -> object:
            if progress.take(data):
                invocation.flush(failed=progress.failed)
            return write(data)

        return observed_write

    return observed


class _Body(Stream):
    """The body as the server iterates it. The server also closes it, and only then is the invocation over."""

    def _end(self) -> None:
        self._invocation.flush()
