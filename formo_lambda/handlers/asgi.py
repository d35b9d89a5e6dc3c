"""An ASGI application within an invocation: the flush comes before the message that completes the response."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from formo_lambda.handlers.arguments import last_arguments, replaced
from formo_lambda.handlers.responses import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from formo_lambda.handlers.options import HandlerOptions
    from formo_lambda.invocation.invocation import Invocation

    # Any: every framework has types of its own for scopes and messages, and no two of them fit each other.
    Message = Any

_CONNECTIONS = ("http", "websocket")
_PARAMETERS = ("scope", "receive", "send")


def observed(
    args: tuple[Any, ...], kwargs: dict[str, Any], options: HandlerOptions
) -> tuple[tuple[Any, ...], dict[str, Any], Callable[[], Invocation] | None]:
    """Return the arguments to call a handler with, and what opens its invocation; None for a lifespan, which has none.

    Where a server calls an ASGI application, perhaps after the `self` of a method, `send` flushes before it completes
    the response. All other calls keep their arguments.

    Args:
        args: The positional arguments of the call.
        kwargs: Its keyword arguments.
        options: Opens the invocation.
    """
    call = _call(args, kwargs)
    kind = call[0].get("type") if call else None
    if not isinstance(kind, str) or kind not in (*_CONNECTIONS, "lifespan"):
        return args, kwargs, functools.partial(options.open, args, kwargs)
    if kind == "lifespan":
        return args, kwargs, None
    scope, receive, send = call
    connection = _Connection(scope, receive, send)
    # Of a request nothing that is received can complete the response.
    receive = connection.receive if scope["type"] == "websocket" else receive
    positional, named = replaced(args, kwargs, _PARAMETERS, (scope, receive, connection.send))
    return tuple(positional), named, lambda: connection.begin(options.open((scope,), {}))


async def serve(app: Callable[..., Any], scope: Any, receive: Any, send: Any, options: HandlerOptions) -> Any:
    """Call an ASGI application within an invocation. Its lifespan, which is no connection, is none.

    Args:
        app: The application.
        scope: What the server calls it with.
        receive: Likewise.
        send: Likewise.
        options: Opens the invocation.
    """
    args, kwargs, start = observed((scope, receive, send), {}, options)
    if start is None or scope["type"] not in _CONNECTIONS:
        return await app(scope, receive, send)
    async with start():
        return await app(*args, **kwargs)


def _call(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """Return what a server calls an ASGI application with; nothing for any other call."""
    last = last_arguments(args, kwargs, _PARAMETERS)
    is_call = last and issubclass(type(last[0]), dict) and callable(last[1]) and callable(last[2])
    return last if is_call else []


class _Connection:
    """Passes the messages of one connection on, and flushes when it is time."""

    _invocation: Invocation

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self._receive = receive
        self._send = send
        self._progress = Progress(scope.get("method", ""))

    def begin(self, invocation: Invocation) -> Invocation:
        self._invocation = invocation
        return invocation

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            await self._invocation.flush_async()
        return message

    async def send(self, message: Message) -> None:
        if _completes(message, self._progress):
            await self._invocation.flush_async(failed=self._progress.failed)
        await self._send(message)


def _completes(message: Message, progress: Progress) -> bool:
    """Whether the client may have all it waits for once the message is sent."""
    kind = message["type"]
    last = not message.get("more_body", False)
    if kind == "http.response.start":
        return progress.start(message["status"], _content_length(message.get("headers", ())))
    if kind == "http.response.body":
        return progress.take(message.get("body", b"")) or last
    if kind == "http.response.zerocopysend":
        # Without a count it is a file of unknown size.
        count = message.get("count")
        return count is None or progress.take(count) or last
    if kind == "http.response.trailers":
        return not message.get("more_trailers", False)
    # A platform may count a websocket's invocation as over once it is open.
    return kind in ("http.response.pathsend", "websocket.accept", "websocket.close") or (
        kind == "websocket.http.response.body" and last
    )


def _content_length(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name.lower() == b"content-length":
            return value.decode("latin-1")
    return None
