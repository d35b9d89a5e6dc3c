"""A WSGI application within an invocation: which bytes complete the response, so that the flush comes before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formo_lambda.handlers.completion import Completion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from formo_lambda.invocation.invocation import Invocation

    Environ = dict[str, Any]
    Write = Callable[[bytes], object]


def environ_of(args: Sequence[Any]) -> Environ | None:
    """Return the environ among the arguments of a WSGI application; None where they are another function's.

    Args:
        args: `environ` and `start_response`, perhaps after the `self` of a method.
    """
    if len(args) >= 2 and isinstance(args[-2], dict) and "wsgi.version" in args[-2] and callable(args[-1]):
        return args[-2]
    return None


def respond(app: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], run: Invocation) -> Any:
    """Call a WSGI application within its invocation.

    Args:
        app: The application.
        args: Its arguments, the last two of which are `environ` and `start_response`.
        kwargs: Its keyword arguments, if its author called for any.
        run: The invocation.

    Returns:
        What the application returned, or an iterator over it that flushes when it is time.
    """
    *before, environ, start_response = args
    head = _Head(run, environ.get("REQUEST_METHOD", ""), start_response)
    try:
        with run.step():
            body = app(*before, environ, head.start_response, **kwargs)
    except BaseException as error:
        run.close(error)
        raise
    if _is_complete(body, environ):
        run.close()
        return body
    return _DrivenBody(body, head, run)


def _is_complete(body: Any, environ: Environ) -> bool:
    """Whether nothing of the application runs any more while the server sends the body."""
    # The server recognises its own file wrapper, to send the file in a faster way.
    file_wrapper = environ.get("wsgi.file_wrapper")
    if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
        return True
    return isinstance(body, (list, tuple, bytes, str)) or not hasattr(body, "__iter__")


class _Head:
    """The `start_response` of one request, which learns what completes the response."""

    def __init__(self, run: Invocation, method: str, start_response: Callable[..., Write]) -> None:
        self._run = run
        self._start_response = start_response
        self._completion = Completion(method)

    def start_response(self, status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Write:
        length = next((value for name, value in headers if name.lower() == "content-length"), None)
        code = status[:3]
        if self._completion.begin(int(code) if code.isdecimal() else 200, length):
            self._flush()  # Some servers send the head at once.
        write = self._start_response(status, headers, *exc_info)

        def observed_write(data: bytes) -> object:
            self.about_to_send(data)
            return write(data)

        return observed_write

    def about_to_send(self, data: bytes) -> None:
        """Flush if the response becomes complete with these bytes."""
        if self._completion.take(len(data)):
            self._flush()

    def _flush(self) -> None:
        self._run.flush(failed=self._completion.failed)


class _DrivenBody:
    """A body under an invocation, each step of it wherever the server iterates."""

    def __init__(self, body: Iterable[bytes], head: _Head, run: Invocation) -> None:
        self._body = body
        self._head = head
        self._run = run
        self._iterator: Iterator[bytes] | None = None
        self._closed = False

    def __iter__(self) -> _DrivenBody:
        return self

    def __next__(self) -> bytes:
        try:
            with self._run.step():
                if self._iterator is None:
                    self._iterator = iter(self._body)
                data = next(self._iterator)
        except StopIteration:
            self._run.flush()
            raise
        except BaseException as error:
            self._run.close(error)
            raise
        self._head.about_to_send(data)
        return data

    def close(self) -> None:
        """Close the body, and flush what is left."""
        if self._closed:
            return
        self._closed = True
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                with self._run.step():
                    close()
        except BaseException as error:
            self._run.close(error)
            raise
        self._run.close()
