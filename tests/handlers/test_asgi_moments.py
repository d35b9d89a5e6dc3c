"""The moments at which the ASGI middleware flushes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda.asgi import FormoFlushMiddleware
from tests.handlers.asgi_peer import Peer, body, start

if TYPE_CHECKING:
    from formo_lambda import FormoAnalytics
    from formo_lambda.testing import RecordingTransport
    from tests.handlers.asgi_peer import Message, Receive, Send


def replaying(client: FormoAnalytics, messages: list[Message]) -> Any:
    """Return an application that tracks one event before each message it sends, and one after the last."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        for message in messages:
            client.track("Before", properties={"message": message["type"]})
            await send(message)
        client.track("After")

    return FormoFlushMiddleware(app)


def arrivals(client: FormoAnalytics, transport: RecordingTransport, *messages: Message, **scope: Any) -> list[int]:
    """Return how many events had arrived when each of the messages came out, and when the application returned."""
    peer = Peer(transport, **scope)
    peer.run(replaying(client, list(messages)))
    assert peer.messages == list(messages)
    return [count for _, count in peer.sent] + [len(transport.events)]


def test_before_the_message_that_ends_the_body(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """All that was tracked by then arrives before the last part goes out, the rest when the application returns."""
    assert arrivals(client, transport, start(), body(b"one", more=True), body(b"two")) == [0, 0, 3, 4]


def test_before_the_part_that_reaches_the_content_length(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """The client has all it waits for at that part, so events are sent before it, and later ones before the end."""
    messages = [
        start(200, ("Content-Length", "6")),
        body(b"one", more=True),
        body(b"two", more=True),
        body(b"", more=True),
        body(),
    ]
    assert arrivals(client, transport, *messages) == [0, 0, 3, 3, 5, 6]


def test_a_body_shorter_than_announced_is_complete_at_its_end(
    client: FormoAnalytics, transport: RecordingTransport
) -> None:
    """The end of the body counts whatever its length is said to be."""
    assert arrivals(client, transport, start(200, ("content-length", "99")), body(b"one")) == [0, 2, 3]


@pytest.mark.parametrize("length", ["", "-1", "many", "1e3", "٣", "9" * 5000])
def test_a_content_length_that_is_none_is_ignored(
    client: FormoAnalytics, transport: RecordingTransport, length: str
) -> None:
    """The server will complain; the middleware does not."""
    messages = [start(200, ("content-length", length)), body(b"x", more=True), body()]
    assert arrivals(client, transport, *messages) == [0, 0, 3, 4]


@pytest.mark.parametrize(
    ("method", "status", "headers"),
    [
        ("HEAD", 200, [("content-length", "5")]),
        ("HEAD", 200, []),
        ("GET", 204, []),
        ("GET", 304, [("content-length", "5")]),
        ("POST", 201, [("content-length", "0")]),
    ],
)
def test_before_a_head_that_is_the_whole_response(
    client: FormoAnalytics,
    transport: RecordingTransport,
    method: str,
    status: int,
    headers: list[tuple[str, str]],
) -> None:
    """Servers send the head at once: where no body follows, events are sent before it."""
    assert arrivals(client, transport, start(status, *headers), body(), method=method) == [1, 2, 3]


def test_before_the_trailers_that_end_a_response(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """With trailers announced, events are sent before the last of them, too."""
    messages = [
        start(200, trailers=True),
        body(b"x"),
        {"type": "http.response.trailers", "headers": [], "more_trailers": True},
        {"type": "http.response.trailers", "headers": []},
    ]
    assert arrivals(client, transport, *messages) == [0, 2, 2, 4, 5]


def test_before_a_file_that_the_server_sends(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A path handed to the server ends the response."""
    messages = [start(), {"type": "http.response.pathsend", "path": "/tmp/report.pdf"}]
    assert arrivals(client, transport, *messages) == [0, 2, 3]


def test_before_a_descriptor_that_the_server_sends(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A file descriptor counts as many bytes as it says; without a count it may be all that is missing."""
    part = {"type": "http.response.zerocopysend", "file": 3, "more_body": True}
    messages = [start(200, ("content-length", "8")), {**part, "count": 4}, {**part, "count": 4}, body()]
    assert arrivals(client, transport, *messages) == [0, 0, 3, 4, 5]
    transport.clear()
    assert arrivals(client, transport, start(), part, {**part, "more_body": False}) == [0, 2, 3, 4]


def test_other_messages_are_no_moment(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Early hints, pushes and debug messages go out without a flush."""
    others = [{"type": f"http.response.{kind}"} for kind in ("early_hint", "push", "debug")]
    assert arrivals(client, transport, *others, start(), body()) == [0, 0, 0, 0, 5, 6]


def test_when_nothing_was_answered(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """An application that returns without a response, because the client is gone, has its events flushed then."""
    assert arrivals(client, transport) == [1]


def test_without_events_nothing_is_requested(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A request that tracks nothing sends nothing."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"idle"))

    Peer(transport).run(FormoFlushMiddleware(app))

    assert transport.requests == []


def test_websocket_before_it_opens_and_before_it_closes(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Of a websocket, events are sent before it is accepted, before it is closed, and when the application returns."""
    messages: list[Message] = [
        {"type": "websocket.accept"},
        {"type": "websocket.send", "text": "price"},
        {"type": "websocket.close"},
    ]
    assert arrivals(client, transport, *messages, type="websocket") == [1, 1, 3, 4]


def test_websocket_before_a_denial_is_complete(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A refused websocket's response is complete at the end of its body."""
    messages: list[Message] = [
        {"type": "websocket.http.response.start", "status": 403, "headers": []},
        {"type": "websocket.http.response.body", "body": b"no", "more_body": True},
        {"type": "websocket.http.response.body", "body": b"!"},
    ]
    assert arrivals(client, transport, *messages, type="websocket") == [0, 0, 3, 4]


def test_websocket_before_the_application_learns_of_a_disconnect(
    client: FormoAnalytics, transport: RecordingTransport
) -> None:
    """When the client of a websocket is gone, events are sent before the application is told."""
    seen: list[int] = []

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        client.track("Connected")
        assert (await receive())["type"] == "websocket.disconnect"
        seen.append(len(transport.events))

    Peer(transport, [{"type": "websocket.connect"}, {"type": "websocket.disconnect"}], type="websocket").run(
        FormoFlushMiddleware(app)
    )

    assert seen == [1]


def test_lifespan_is_passed_through(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """The life of the server is no invocation: the application gets the very arguments, and nothing is flushed."""
    got: list[Any] = []

    async def app(*args: Any) -> None:
        client.track("Started")
        got.extend(args)

    peer = Peer(transport, type="lifespan")
    receive, send = peer.receive, peer.send
    with client.invocation():
        asyncio.run(FormoFlushMiddleware(app)(peer.scope, receive, send))
        assert transport.events == []

    assert got[0] is peer.scope
    assert (got[1], got[2]) == (receive, send)
    assert len(transport.events) == 1
