"""What a handler is, is found out when it is decorated; what only a call can tell never makes a later call wrong."""

from __future__ import annotations

import asyncio
import inspect
import sys
from typing import TYPE_CHECKING, Any

import pytest

import formo_lambda.handlers.asgi
import formo_lambda.handlers.responses
import formo_lambda.handlers.wsgi
from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.testing import FakeLambdaContext
from tests.client.recorded import names
from tests.handlers.asgi_peer import Peer as AsgiPeer
from tests.handlers.wsgi_peer import Peer as WsgiPeer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from formo_lambda.testing import RecordingTransport

WEB = (formo_lambda.handlers.asgi, formo_lambda.handlers.wsgi, formo_lambda.handlers.responses)


def entered(call: Callable[[], object]) -> set[str]:
    """Return the names of the functions of `WEB` that a call enters."""
    files = {inspect.getsourcefile(module) for module in WEB}
    found: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename in files:
            found.add(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return found


def test_a_lambda_call_asks_nothing_of_wsgi_and_asgi(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A warm call of a function enters no code for web applications, but a look at the value it returned."""

    @formo_flush
    def handler(event: dict[str, str], context: object) -> dict[str, str]:
        client.track("Handled")
        return event

    for _ in range(2):
        looks = entered(lambda: handler({"type": "http"}, FakeLambdaContext()))

    assert looks == {"find_body", "is_coroutine"}
    assert len(transport.events) == 2


def test_a_lambda_call_of_a_coroutine_function_asks_nothing_either(client: FormoAnalytics) -> None:
    """Likewise a coroutine function, which may be an ASGI application."""

    @formo_flush
    async def handler(event: dict[str, str], context: object) -> dict[str, str]:
        client.track("Handled")
        return event

    for _ in range(2):
        looks = entered(lambda: asyncio.run(_of(handler({"type": "http"}, FakeLambdaContext()))))

    assert looks == {"find_body"}


@pytest.mark.parametrize("first", ["Lambda", "WSGI", "strange"])
def test_a_function_may_be_called_in_several_ways(
    client: FormoAnalytics, transport: RecordingTransport, first: str
) -> None:
    """Whatever its first call looked like, one function is flushed as each call asks for."""

    @formo_flush
    def handler(environ: Any, start_response: Any) -> Any:
        client.track("Called")
        if not callable(start_response):
            return "value"
        start_response("200 OK", [("Content-Length", "3")])
        return iter([b"one"])

    def call_as_wsgi() -> None:
        peer = WsgiPeer(transport)
        peer.run(handler)
        assert peer.seen == [("head", 0), ("one", 1), ("end", 1), ("closed", 1)]

    def call_as_lambda() -> None:
        assert handler({}, FakeLambdaContext()) == "value"

    def call_strangely() -> None:
        assert list(handler({"wsgi.version": (1, 0)}, lambda status, headers: None)) == [b"one"]
        assert list(handler(None, lambda status, headers: None)) == [b"one"]

    calls = {"Lambda": call_as_lambda, "WSGI": call_as_wsgi, "strange": call_strangely}
    for call in (calls[first], *calls.values()):
        transport.clear()
        call()
        assert set(names(transport)) == {"Called"}


@pytest.mark.parametrize("form", ["function", "coroutine function"])
def test_a_message_with_two_callbacks_is_no_connection(
    client: FormoAnalytics, transport: RecordingTransport, form: str
) -> None:
    """A consumer's call with a message that has a type, and two callables, is an invocation like any other."""
    acknowledged: list[str] = []

    def consume(message: dict[str, str], ack: Callable[[str], None], nack: Callable[[str], None]) -> str:
        client.track("Consumed")
        ack(message["type"])
        return "value"

    async def consume_async(message: dict[str, str], ack: Callable[[str], None], nack: Callable[[str], None]) -> str:
        return consume(message, ack, nack)

    message = {"type": "order.created"}
    if form == "function":
        assert formo_flush(consume)(message, acknowledged.append, print) == "value"
    else:
        assert asyncio.run(_of(formo_flush(consume_async)(message, acknowledged.append, print))) == "value"

    assert acknowledged == ["order.created"]
    assert names(transport) == ["Consumed"]


async def _of(awaitable: Any) -> Any:
    return await awaitable


@pytest.mark.parametrize("form", ["function", "coroutine function"])
def test_an_application_is_served_after_another_call(
    client: FormoAnalytics, transport: RecordingTransport, form: str
) -> None:
    """An ASGI application that was first called otherwise has its messages observed all the same."""

    async def application(scope: Any, receive: Any = None, send: Any = None) -> None:
        client.track("Called")
        if send is not None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"done"})

    def returning_a_coroutine(scope: Any, receive: Any = None, send: Any = None) -> Any:
        return application(scope, receive, send)

    app: Any = formo_flush(application if form == "coroutine function" else returning_a_coroutine)
    asyncio.run(_of(app({})))
    assert names(transport) == ["Called"]

    peer = AsgiPeer(transport)
    peer.run(app)
    assert peer.sent == [("http.response.start", 1), ("http.response.body", 2)]
