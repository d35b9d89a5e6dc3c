"""The server's side of one ASGI connection, which notes how much had arrived whenever it was handed a message."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from formo_lambda.testing import RecordingTransport

    Message = dict[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[..., Any]


class Peer:
    """Calls an application once.

    Args:
        transport: Where the events of the application arrive.
        incoming: The messages that the application receives, one after the other.
        scope: The scope, as far as it is not that of a GET request.
    """

    def __init__(self, transport: RecordingTransport, incoming: Iterable[Message] = (), **scope: Any) -> None:
        self.scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "headers": [], **scope}
        #: The type of each message that was sent, with the number of events that had arrived by then.
        self.sent: list[tuple[str, int]] = []
        #: The messages themselves.
        self.messages: list[Message] = []
        self._incoming = list(incoming)
        self._transport = transport

    async def receive(self) -> Message:
        """Hand out the next message."""
        return self._incoming.pop(0)

    async def send(self, message: Message) -> None:
        """Take a message."""
        self.messages.append(message)
        self.sent.append((message["type"], len(self._transport.events)))

    async def call(self, app: Application) -> None:
        """Call the application in the running loop."""
        await app(self.scope, self.receive, self.send)

    def run(self, app: Application) -> None:
        """Call the application in a loop of its own."""
        asyncio.run(self.call(app))


def start(status: int = 200, *headers: tuple[str, str], **more: Any) -> Message:
    """Return the message that begins a response."""
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    return {"type": "http.response.start", "status": status, "headers": pairs, **more}


def body(data: bytes = b"", *, more: bool = False) -> Message:
    """Return a message with a part of the body."""
    return {"type": "http.response.body", "body": data, "more_body": more}
