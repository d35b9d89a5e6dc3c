"""Finds the body of a returned response where it is an iterator, by its shape: no web framework is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from formo_lambda.handlers.completion import Completion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Body(NamedTuple):
    """What is still to be produced of what a handler returned.

    Attributes:
        parts: The iterable, an asynchronous one perhaps.
        replaced_by: Given what is to be iterated instead, returns what the handler's caller gets: the same response
            with another body.
        head: Asked for the status and the Content-Length of the response.
    """

    parts: Any
    replaced_by: Callable[[Any], Any]
    head: Callable[[], tuple[int, str | None]]


#: What most handlers return, and what is no response to look into.
_COMPLETE = frozenset({dict, str, bytes, list, bool, type(None)})


def find_body(result: Any) -> Body | None:
    """Return the body of a response that is not complete yet; None for everything else.

    Known are iterators, the responses of Werkzeug (Flask), Starlette and Django, and Flask's tuples of a body with
    status or headers. A file is complete: nothing of the handler runs while it is sent.

    Args:
        result: What a handler returned.
    """
    if type(result) in _COMPLETE:
        return None
    try:
        return _find(result)
    except Exception:  # noqa: BLE001 -- what raises when looked at is handed on as it is
        return None


def _find(result: Any) -> Body | None:
    kind = type(result)
    if _is_iterator(kind):
        return Body(result, lambda driven: driven, lambda: (200, None))
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
    return _body(result, attribute) if attribute else None


class Meter:
    """Counts the parts of a body and knows the one that completes the response.

    Args:
        body: The body.
        arguments: The handler's arguments, a request perhaps among them.
    """

    def __init__(self, body: Body, arguments: Iterable[Any]) -> None:
        is_head = any(map(_is_head_request, arguments))
        self._completion = Completion("HEAD" if is_head else "")
        self._head = body.head
        self._begun = False
        self._counts = False

    @property
    def failed(self) -> bool:
        """Whether the response says that the handler failed."""
        return self._completion.failed

    def begin(self) -> bool:
        """Take the head in as it is now; return whether the response is complete without a body."""
        try:
            status, length = self._head()
            self._counts = length is not None
            return self._completion.begin(status, length)
        except Exception:  # noqa: BLE001 -- no head of a response after all: only the end of the body tells
            self._counts = False
            return False

    def take(self, part: Any) -> bool:
        """Count a part that is about to be handed on; return whether the response becomes complete with it."""
        if not self._begun:
            # Only now nobody changes the head any more: it is sent before the first part.
            self._begun = True
            self.begin()
        if not self._counts or not isinstance(part, (str, bytes, bytearray, memoryview)):
            return False
        return self._completion.take(len(part.encode("utf-8", "replace")) if isinstance(part, str) else len(part))


def _is_head_request(argument: Any) -> bool:
    try:
        return bool(getattr(argument, "method", None) == "HEAD")
    except Exception:  # noqa: BLE001 -- no request raises when asked for its method
        return False


def _is_iterator(kind: type) -> bool:
    if hasattr(kind, "assert_not_called"):
        return False  # A MagicMock, which is everything at once, stays what a user's test made it.
    return (hasattr(kind, "__next__") and not hasattr(kind, "read")) or hasattr(kind, "__anext__")


def _find_in_tuple(result: tuple[Any, ...]) -> Body | None:
    """Find what a view of Flask's returned together with a status, or headers, or both."""
    if len(result) not in (2, 3) or not isinstance(result[1], (int, str, dict, list)):
        return None
    first, *rest = result
    if _is_iterator(type(first)):
        return Body(first, lambda driven: (driven, *rest), lambda: _head_among(rest))
    body = None if type(first) is tuple else find_body(first)
    return body and body._replace(replaced_by=lambda driven: (body.replaced_by(driven), *rest))


def _body(response: Any, attribute: str) -> Body:
    def replaced_by(driven: Any) -> Any:
        setattr(response, attribute, driven)
        return response

    def head() -> tuple[int, str | None]:
        return response.status_code, response.headers.get("Content-Length")

    return Body(getattr(response, attribute), replaced_by, head)


def _head_among(rest: list[Any]) -> tuple[int, str | None]:
    status = next((str(item) for item in rest if isinstance(item, (int, str))), "200")[:3]
    headers = next((item for item in rest if isinstance(item, (dict, list))), {})
    pairs = headers.items() if isinstance(headers, dict) else headers
    length = next((str(value) for name, value in pairs if name.lower() == "content-length"), None)
    return int(status) if status.isdecimal() else 200, length
