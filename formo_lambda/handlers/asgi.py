"""An ASGI application within an invocation: the flush comes before the message that completes the response."""

from __future__ import annotations

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


def is_call(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a server calls an ASGI application with these arguments, perhaps after the `self` of a method."""
    last = last_arguments(args, kwargs, _PARAMETERS)
    if not last or not (issubclass(type(last[0]), dict) and callable(last[1]) and callable(last[2])):
        return False
    kind = last[0].get("type")
    return isinstance(kind, str) and kind in (*_CONNECTIONS, "lifespan")


async def serve(app: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], options: HandlerOptions) -> Any:
    """Call an ASGI application within an invocation. Its lifespan, which is no connection, is none.

    Args:
        app: The application.
        args: Its positional arguments, those of a server's call at the end of them or of the keyword arguments.
        kwargs: Its keyword arguments.
        options: Opens the invocation.
    """
    scope, receive, send = last_arguments(args, kwargs, _PARAMETERS)
    if scope["type"] not in _CONNECTIONS:
        return await app(*args, **kwargs)
    async with options.open((scope,), {}) as invocation:
        # Of a request nothing that is received can complete the response.
        receive = _observed_receive(receive, invocation) if scope["type"] == "websocket" else receive
        send = _observed_send(send, invocation, Progress(scope.get("method", "")))
        args, kwargs = replaced(args, kwargs, _PARAMETERS, (scope, receive, send))
        return await app(*args, **kwargs)


def _observed_receive(receive: Any, invocation: Invocation) -> Any:
    async def observed_receive() -> Message:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            await invocation.flush_async()
        return message

    return observed_receive


def _observed_send(send: Any, invocation: Invocation, progress: Progress) -> Any:
    async def observed_send(message: Message) -> None:
        if _completes(message, progress):
            await invocation.flush_async(failed=progress.failed)
        await send(message)

    return observed_send


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
