"""The response of a handler: which part of it is the last, and where a returned one keeps its body.

No web framework is imported: responses are known by their shape.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from formo_lambda.signals import raised_by_signal_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Whatever else stands there is the server's to refuse.
_LENGTH = re.compile("[0-9]{1,18}")

#: The types of most results, which are complete.
_COMPLETE = frozenset({dict, str, bytes, list, bool, type(None)})


class Progress:
    """How far the response to one request is: how much of its body is still to be sent.

    Args:
        method: The method of the request.

    Attributes:
        failed: Whether the response says that the application failed.
    """

    def __init__(self, method: str = "") -> None:
        self._method = method
        #: Bytes of the body still to come; None where only its end tells.
        self._left: int | None = None
        self.failed = False

    def start(self, status: int, content_length: str | None) -> bool:
        """Note the head; return whether the response is complete with it.

        Args:
            status: The status of the response.
            content_length: The value of its header of that name, if it has one.
        """
        self.failed = status >= 500
        self._left = None
        if self._method == "HEAD" or status < 200 or status in (204, 304):
            self._left = 0
        elif content_length is not None and _LENGTH.fullmatch(content_length.strip()):
            self._left = int(content_length)
        return self._left == 0

    def take(self, part: object) -> bool:
        """Count a part that is about to be sent; return whether the response becomes complete with it.

        Args:
            part: Bytes, text, or a number of bytes. Nothing else is counted.
        """
        if self._left is None or not isinstance(part, (bytes, str, int, bytearray, memoryview)):
            return False
        if isinstance(part, str):
            part = part.encode("utf-8", "replace")
        before, self._left = self._left, max(0, self._left - (part if isinstance(part, int) else len(part)))
        return before > 0 and self._left == 0


class Body(Progress):
    """The body of a returned response, which is still to be produced.

    Args:
        parts: The iterable, an asynchronous one perhaps.
        replaced_by: Given what is to be iterated instead, returns what the handler's caller gets: the same response
            with another body.
        head: Asked for the status and the Content-Length of the response.
    """

    def __init__(
        self, parts: Any, replaced_by: Callable[[Any], Any], head: Callable[[], tuple[int, str | None]]
    ) -> None:
        super().__init__()
        self.parts = parts
        self.replaced_by = replaced_by
        self._head = head
        self._begun = False

    def is_empty(self, arguments: Iterable[Any]) -> bool:
        """Whether the response, with its head as it is now, is complete without a body.

        Args:
            arguments: The handler's arguments, a request perhaps among them.
        """
        if any(map(_is_head_request, arguments)):
            self._method = "HEAD"
        return self._read_head()

    def take(self, part: object) -> bool:
        """Count a part that is about to be handed on; return whether the response becomes complete with it."""
        if not self._begun:
            # Only now nobody changes the head any more: it is sent before the first part.
            self._begun = True
            self._read_head()
        return super().take(part)

    def _read_head(self) -> bool:
        handled = sys.exc_info()[1]
        try:
            return self.start(*self._head())
        except Exception as error:  # no head of a response after all: only the end of the body tells
            if raised_by_signal_handler(error, handled):
                raise
            self._left = None
            return False


def find_body(result: Any) -> Body | None:
    """Return the body of a response that is not complete yet; None for everything else.

    Known are iterators, the responses of Werkzeug (Flask), Starlette and Django, and Flask's tuples of a body with
    status or headers. A file is complete: nothing of the handler runs while it is sent.

    Args:
        result: What a handler returned.
    """
    handled = sys.exc_info()[1]
    try:
        return None if type(result) in _COMPLETE else _find(result)
    except Exception as error:  # what raises when looked at is handed on as it is
        if raised_by_signal_handler(error, handled):
            raise
        return None


def is_coroutine(result: Any) -> bool:
    """Whether a plain function returned something to be awaited that nobody runs yet, as a future is run.

    What can also be entered, as the requests of HTTP clients and the pools of databases can, is handed on as it is.
    """
    kind = type(result)
    handled = sys.exc_info()[1]
    try:
        return hasattr(kind, "__await__") and hasattr(kind, "send") and not hasattr(kind, "__aenter__")
    except Exception as error:  # as above
        if raised_by_signal_handler(error, handled):
            raise
        return False


def _find(result: Any) -> Body | None:
    kind = type(result)
    if _is_iterator(kind):
        return Body(result, lambda parts: parts, lambda: (200, None))
    if kind is tuple:
        return _find_in_tuple(result)
    attribute = None
    # Asked of the class, which answers for itself: a mock has every attribute one asks it for.
    if hasattr(kind, "is_streamed") and hasattr(kind, "get_app_iter"):  # Werkzeug
        attribute = "response" if result.is_streamed and not result.direct_passthrough else None
    elif hasattr(kind, "streaming_content"):  # Django
        attribute = "streaming_content" if getattr(result, "file_to_stream", None) is None else None
    elif "body_iterator" in getattr(result, "__dict__", ()):  # Starlette
        attribute = "body_iterator"
    return _find_in_attribute(result, attribute) if attribute else None


def _find_in_tuple(result: tuple[Any, ...]) -> Body | None:
    """Find what a view of Flask's returned together with a status, or headers, or both."""
    if len(result) not in (2, 3) or not isinstance(result[1], (int, str, dict, list)):
        return None
    first, *rest = result
    if _is_iterator(type(first)):
        return Body(first, lambda parts: (parts, *rest), lambda: _head_among(rest))
    body = None if type(first) is tuple else find_body(first)
    if body is not None:
        replaced_by = body.replaced_by
        body.replaced_by = lambda parts: (replaced_by(parts), *rest)
    return body


def _find_in_attribute(response: Any, attribute: str) -> Body:
    def replaced_by(parts: Any) -> Any:
        setattr(response, attribute, parts)
        return response

    return Body(
        getattr(response, attribute),
        replaced_by,
        lambda: (response.status_code, response.headers.get("Content-Length")),
    )


def _head_among(rest: list[Any]) -> tuple[int, str | None]:
    status = next((str(item) for item in rest if isinstance(item, (int, str))), "200")[:3]
    headers = next((item for item in rest if isinstance(item, (dict, list))), {})
    pairs = headers.items() if isinstance(headers, dict) else headers
    length = next((str(value) for name, value in pairs if name.lower() == "content-length"), None)
    return int(status) if status.isdecimal() else 200, length


def _is_head_request(argument: Any) -> bool:
    handled = sys.exc_info()[1]
    try:
        return bool(getattr(argument, "method", None) == "HEAD")
    except Exception as error:  # no request raises when asked for its method
        if raised_by_signal_handler(error, handled):
            raise
        return False


def _is_iterator(kind: type) -> bool:
    if hasattr(kind, "assert_not_called"):
        return False  # A MagicMock, which is everything at once, stays what a user's test made it.
    return (hasattr(kind, "__next__") and not hasattr(kind, "read")) or hasattr(kind, "__anext__")
