"""The middleware under the validators of the two standards."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any
from wsgiref.handlers import SimpleHandler
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from asgiref.testing import ApplicationCommunicator

from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.asgi import FormoFlushMiddleware as AsgiMiddleware
from formo_lambda.wsgi import FormoFlushMiddleware as WsgiMiddleware
from tests.client.recorded import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from formo_lambda.testing import RecordingTransport

# It has no annotations of its own.
Communicator: Any = ApplicationCommunicator

HEADERS = [("Content-Type", "text/plain")]


def returning_a_list(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Return a complete body."""
    start_response("200 OK", [*HEADERS, ("Content-Length", "6")])
    return [b"onetwo"]


def streaming(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Return a stream."""
    start_response("200 OK", HEADERS)
    return iter([b"one", b"two"])


def generating(environ: Any, start_response: Any) -> Iterator[bytes]:
    """Return a stream whose length is known."""
    start_response("200 OK", [*HEADERS, ("Content-Length", "6")])
    yield b"one"
    yield b"two"


def writing(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Write the body."""
    write = start_response("200 OK", HEADERS)
    write(b"one")
    write(b"two")
    return []


@pytest.mark.filterwarnings("default::wsgiref.validate.WSGIWarning")
@pytest.mark.parametrize("wrap", [WsgiMiddleware, formo_flush], ids=["middleware", "decorator"])
@pytest.mark.parametrize("app", [returning_a_list, streaming, generating, writing])
def test_wsgi_conforms_as_application_and_as_server(
    client: FormoAnalytics, transport: RecordingTransport, app: Callable[..., Any], wrap: Callable[[Any], Any]
) -> None:
    """The validator of wsgiref finds no fault on either side of the middleware, and the response is as without it."""

    def tracking(environ: Any, start_response: Any) -> Iterable[bytes]:
        client.track("Called")
        body: Iterable[bytes] = app(environ, start_response)
        return body

    # The validator counts an application that starts its response while it is iterated as one that has not begun.
    inner = validator(tracking if app is not generating else lambda *args: _begun(tracking(*args)))
    environ: dict[str, Any] = {"QUERY_STRING": "", "SCRIPT_NAME": "", "PATH_INFO": "/"}
    setup_testing_defaults(environ)
    output, errors = io.BytesIO(), io.StringIO()
    SimpleHandler(io.BytesIO(), output, errors, environ).run(validator(wrap(inner)))

    assert errors.getvalue() == ""
    assert output.getvalue().endswith(b"onetwo")
    assert names(transport) == ["Called"]


def _begun(stream: Iterable[bytes]) -> Iterator[bytes]:
    body = iter(stream)
    first = next(body)

    def parts() -> Iterator[bytes]:
        yield first
        yield from body

    return parts()


@pytest.mark.parametrize("wrap", [AsgiMiddleware, formo_flush], ids=["middleware", "decorator"])
def test_asgi_http_conforms(client: FormoAnalytics, transport: RecordingTransport, wrap: Callable[[Any], Any]) -> None:
    """The communicator of asgiref gets each message of a streamed response, and the application ends by itself."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["body"] == b"question"
        client.track("Asked")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    async def main() -> None:
        communicator = Communicator(wrap(app), {"type": "http", "method": "POST", "path": "/", "headers": []})
        await communicator.send_input({"type": "http.request", "body": b"question"})
        assert (await communicator.receive_output())["status"] == 200
        assert (await communicator.receive_output())["body"] == b"one"
        assert (await communicator.receive_output())["body"] == b"two"
        assert names(transport) == ["Asked"]
        await communicator.wait()

    asyncio.run(main())


@pytest.mark.parametrize("wrap", [AsgiMiddleware, formo_flush], ids=["middleware", "decorator"])
def test_asgi_websocket_conforms(
    client: FormoAnalytics, transport: RecordingTransport, wrap: Callable[[Any], Any]
) -> None:
    """The communicator of asgiref has a conversation over a websocket, and the application ends by itself."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            client.track("Heard")
            await send({"type": "websocket.send", "text": message["text"].upper()})

    async def main() -> None:
        communicator = Communicator(wrap(app), {"type": "websocket", "path": "/", "headers": []})
        await communicator.send_input({"type": "websocket.connect"})
        assert (await communicator.receive_output())["type"] == "websocket.accept"
        for word in ("one", "two"):
            await communicator.send_input({"type": "websocket.receive", "text": word})
            assert (await communicator.receive_output())["text"] == word.upper()
        await communicator.send_input({"type": "websocket.disconnect", "code": 1000})
        await communicator.wait()

    asyncio.run(main())

    assert names(transport) == ["Heard", "Heard"]


@pytest.mark.parametrize("wrap", [AsgiMiddleware, formo_flush], ids=["middleware", "decorator"])
def test_asgi_lifespan_conforms(client: FormoAnalytics, wrap: Callable[[Any], Any]) -> None:
    """The communicator of asgiref starts the application up and shuts it down."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for phase in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{phase}"
            await send({"type": f"lifespan.{phase}.complete"})

    async def main() -> None:
        communicator = Communicator(wrap(app), {"type": "lifespan"})
        for phase in ("startup", "shutdown"):
            await communicator.send_input({"type": f"lifespan.{phase}"})
            assert (await communicator.receive_output())["type"] == f"lifespan.{phase}.complete"
        await communicator.wait()

    asyncio.run(main())
