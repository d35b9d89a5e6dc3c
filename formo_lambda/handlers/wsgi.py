"""A WSGI application within an invocation: the flush comes before the bytes that complete the response."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from formo_lambda.handlers.arguments import last_arguments, replaced
from formo_lambda.handlers.responses import Progress
from formo_lambda.handlers.streams import Stream, stream_of
from formo_lambda.signals import raised_by_signal_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from formo_lambda.handlers.options import HandlerOptions
    from formo_lambda.invocation.invocation import Invocation

    Write = Callable[[bytes], object]


_PARAMETERS = ("environ", "start_response")


def is_call(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a server calls a WSGI application with these arguments, perhaps after the `self` of a method."""
    last = last_arguments(args, kwargs, _PARAMETERS)
    return bool(last) and issubclass(type(last[0]), dict) and "wsgi.version" in last[0] and callable(last[1])


def respond(app: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], options: HandlerOptions) -> Any:
    """Call a WSGI application within an invocation.

    Args:
        app: The application.
        args: Its positional arguments, those of a server's call at the end of them or of the keyword arguments.
        kwargs: Its keyword arguments.
        options: Opens the invocation.

    Returns:
        What the application returned, or what is like it and flushes, as it is iterated, when it is time.
    """
    environ, start_response = last_arguments(args, kwargs, _PARAMETERS)
    invocation = options.open((environ,), {})
    progress = Progress(environ.get("REQUEST_METHOD", ""))
    observed = _observed(start_response, invocation, progress)
    args, kwargs = replaced(args, kwargs, _PARAMETERS, (environ, observed))
    try:
        with invocation.step():
            body = app(*args, **kwargs)
    except BaseException as error:
        invocation.close(error)
        raise
    if _is_complete(body, environ):
        invocation.close()
        return body
    # The server also closes it, and only then is the invocation over.
    return stream_of(body, Stream(body, invocation, progress, stays_open=True), closes=True)


def _is_complete(body: Any, environ: dict[str, Any]) -> bool:
    """Whether nothing of the application runs any more while the server sends the body."""
    # The server recognises its own file wrapper, to send the file in a faster way.
    file_wrapper = environ.get("wsgi.file_wrapper")
    if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
        return True
    return isinstance(body, (list, tuple, bytes, str)) or not hasattr(body, "__iter__")


def _observed(start_response: Callable[..., Write], invocation: Invocation, progress: Progress) -> Callable[..., Write]:
    """Return a `start_response` that notes the head, and the bytes that are written."""

    def observed(*args: Any, **kwargs: Any) -> Write:
        if _is_complete_with_head(args, kwargs, progress):
            invocation.flush(failed=progress.failed)  # Some servers send the head at once.
        write = start_response(*args, **kwargs)

        def observed_write(data: bytes) -> object:
            if progress.take(data):
                invocation.flush(failed=progress.failed)
            return write(data)

        return observed_write

    return observed


def _is_complete_with_head(args: Sequence[Any], kwargs: Mapping[str, Any], progress: Progress) -> bool:
    """Note the head that `start_response` is called with; return whether the response is complete with it."""
    handled = sys.exc_info()[1]
    try:
        head = {**dict(zip(("status", "response_headers"), args, strict=False)), **kwargs}
        headers = head["response_headers"]
        length = next((value for name, value in headers if name.lower() == "content-length"), None)
        code = head["status"][:3]
        return progress.start(int(code) if code.isdecimal() else 200, length)
    except Exception as error:  # whatever it is called with is the server's to refuse
        if raised_by_signal_handler(error, handled):
            raise
        return False
