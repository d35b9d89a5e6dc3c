"""The messages of an ASGI connection: which of them completes the response, so that the flush comes before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formo_lambda.handlers.completion import Completion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from formo_lambda.invocation.invocation import Invocation

    # Any: every framework has types of its own for scopes and messages, and no two of them fit each other.
    Message = Any


def scope_of(args: Sequence[Any]) -> dict[str, Any] | None:
    """Return the scope among the arguments of an ASGI application; None where they are another function's.

    Args:
        args: `scope`, `receive` and `send`, perhaps after the `self` of a method.
    """
    if len(args) < 3 or not isinstance(args[-3], dict) or not (callable(args[-2]) and callable(args[-1])):
        return None
    return args[-3] if isinstance(args[-3].get("type"), str) else None


def is_lifespan(args: Sequence[Any]) -> bool:
    """Whether the call of an ASGI application is none of a connection: the life of the server, say."""
    scope = scope_of(args)
    return scope is not None and scope["type"] not in ("http", "websocket")


def observed(args: tuple[Any, ...], run: Invocation) -> tuple[Any, ...]:
    """Return the arguments of an ASGI application with a `receive` and a `send` that flush when it is time."""
    *before, scope, receive, send = args
    exchange = _Exchange(run, scope, receive, send)
    # Of a request nothing that is received can complete the response.
    return (*before, scope, exchange.receive if scope["type"] == "websocket" else receive, exchange.send)


class _Exchange:
    """The messages of one connection."""

    def __init__(self, run: Invocation, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self._run = run
        self._receive = receive
        self._send = send
        self._completion = Completion(scope.get("method", ""))

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            await self._run.flush_async()
        return message

    async def send(self, message: Message) -> None:
        if self._completes(message):
            await self._run.flush_async(failed=self._completion.failed)
        await self._send(message)

    def _completes(self, message: Message) -> bool:
        """Whether the client may have all it waits for once the message is sent."""
        kind = message["type"]
        last = not message.get("more_body", False)
        if kind == "http.response.start":
            return self._completion.begin(message["status"], _content_length(message.get("headers", ())))
        if kind == "http.response.body":
            return self._completion.take(len(message.get("body", b""))) or last
        if kind == "http.response.zerocopysend":
            # Without a count it is a file of unknown size.
            count = message.get("count")
            return count is None or self._completion.take(count) or last
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
