"""Responses whose body is an iterator: flushed before the part that completes them, and otherwise the handler's own."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import django.conf
import django.http
import flask
import pytest
import starlette.responses
import werkzeug.wsgi

from formo_lambda import formo_flush
from tests.client.recorded import names

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator

    from formo_lambda import FormoAnalytics
    from formo_lambda.testing import RecordingTransport

    Form = Callable[[Iterable[bytes], dict[str, str]], Any]

if not django.conf.settings.configured:
    django.conf.settings.configure()

SIZED = {"Content-Length": "10"}


class Request:
    """What a handler is given, as far as it is looked at."""

    def __init__(self, method: str = "GET") -> None:
        self.method = method


@pytest.fixture
def parts(client: FormoAnalytics) -> Callable[[], Iterator[bytes]]:
    """Makes a body in two parts, ten bytes in all, that tracks before each part and at its end."""

    def make() -> Iterator[bytes]:
        client.track("Before First")
        yield b"first"
        client.track("Before Last")
        yield b"last!"
        client.track("At The End")

    return make


@pytest.fixture
def async_parts(parts: Callable[[], Iterator[bytes]]) -> Callable[[], AsyncIterator[bytes]]:
    """Makes the same body as an asynchronous iterator."""

    async def make() -> AsyncIterator[bytes]:
        for part in parts():
            await asyncio.sleep(0)
            yield part

    return make


def consume(body: Iterable[object], transport: RecordingTransport) -> list[list[str]]:
    """Iterate a body as a server does; give the events that had arrived at each part, and after the last."""
    return [*[names(transport) for _ in body], names(transport)]


async def consume_async(body: AsyncIterable[object], transport: RecordingTransport) -> list[list[str]]:
    """Do the same with an asynchronous one."""
    return [*[names(transport) async for _ in body], names(transport)]


def django_stream(body: Iterable[bytes], headers: dict[str, str]) -> Any:
    """Make the streamed response of Django."""
    return django.http.StreamingHttpResponse(body, headers=headers)


BODIES: list[tuple[Form, str]] = [
    (lambda body, headers: flask.Response(body, headers=headers), "response"),
    (django_stream, "streaming_content"),
]


@pytest.mark.parametrize(("form", "attribute"), BODIES, ids=["werkzeug", "django"])
def test_body_of_known_length_is_flushed_before_the_part_that_completes_it(
    form: Form, attribute: str, client: FormoAnalytics, transport: RecordingTransport, parts: Any
) -> None:
    """With a Content-Length the events arrive before the last byte is handed on, and those of the end after it."""
    response = form(parts(), SIZED)

    @formo_flush
    def handler(request: Request) -> Any:
        client.track("In The Handler")
        return response

    assert handler(Request()) is response
    in_time = ["In The Handler", "Before First", "Before Last"]
    assert consume(getattr(response, attribute), transport) == [[], in_time, [*in_time, "At The End"]]


@pytest.mark.parametrize(("form", "attribute"), BODIES, ids=["werkzeug", "django"])
def test_body_of_unknown_length_is_flushed_before_its_end(
    form: Form, attribute: str, client: FormoAnalytics, transport: RecordingTransport, parts: Any
) -> None:
    """Without a Content-Length the parts are handed on at once, and the events arrive before the end is told."""
    response = form(parts(), {})

    @formo_flush
    def handler(request: Request) -> Any:
        return response

    handler(Request())
    assert consume(getattr(response, attribute), transport) == [
        [],
        [],
        ["Before First", "Before Last", "At The End"],
    ]


@pytest.mark.parametrize("source", ["async", "sync"])
@pytest.mark.parametrize("headers", [SIZED, {}], ids=["sized", "unsized"])
def test_starlette_body(
    headers: dict[str, str],
    source: str,
    transport: RecordingTransport,
    parts: Any,
    async_parts: Any,
) -> None:
    """A streamed response of Starlette's is flushed at the same moments, whether its body is asynchronous or not."""
    response = starlette.responses.StreamingResponse(parts() if source == "sync" else async_parts(), headers=headers)

    @formo_flush
    async def handler(request: Request) -> Any:
        return response

    async def serve() -> list[list[str]]:
        assert await handler(Request()) is response
        return await consume_async(response.body_iterator, transport)

    in_time = ["Before First", "Before Last"]
    assert asyncio.run(serve()) == [[], in_time if headers else [], [*in_time, "At The End"]]


def test_asynchronous_body_of_django(transport: RecordingTransport, async_parts: Any) -> None:
    """An asynchronous streamed response of Django's is flushed before the part that completes it."""

    @formo_flush
    async def handler(request: Request) -> Any:
        return django.http.StreamingHttpResponse(async_parts(), headers=SIZED)

    async def serve() -> list[list[str]]:
        response = await handler(Request())
        return await consume_async(aiter(response.streaming_content), transport)

    assert asyncio.run(serve())[1] == ["Before First", "Before Last"]


def test_length_that_is_set_after_the_handler_counts(transport: RecordingTransport, parts: Any) -> None:
    """What code around the handler says of the length before the first part is taken at its word."""

    @formo_flush
    def handler(request: Request) -> Any:
        return flask.Response(parts())

    response = handler(Request())
    response.headers["Content-Length"] = "10"
    assert consume(response.response, transport)[1] == ["Before First", "Before Last"]


def test_text_counts_as_its_bytes(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A body of text has the length of its UTF-8."""

    def parts() -> Iterator[str]:
        yield "½"
        client.track("Before Last")
        yield "½"

    @formo_flush
    def handler(request: Request) -> Any:
        return flask.Response(parts(), headers={"Content-Length": "4"})

    assert consume(handler(Request()).response, transport) == [[], ["Before Last"], ["Before Last"]]


@pytest.mark.parametrize(
    ("request_", "status"), [(Request("HEAD"), 200), (Request(), 204), (Request(), 304)], ids=["HEAD", "204", "304"]
)
def test_response_without_a_body_is_flushed_at_once(
    request_: Request, status: int, client: FormoAnalytics, transport: RecordingTransport, parts: Any
) -> None:
    """Where a server sends the head alone, what was tracked by then arrives before the handler returns."""

    @formo_flush
    def handler(request: Request) -> Any:
        client.track("In The Handler")
        return flask.Response(parts(), status=status)

    response = handler(request_)
    assert names(transport) == ["In The Handler"]
    response.close()


@pytest.mark.parametrize(
    "rest",
    [(201,), ("201 CREATED",), ({"X-Mark": "kept"},), (201, {"X-Mark": "kept"}), (201, [("X-Mark", "kept")])],
)
def test_tuple_of_flask_keeps_its_rest(rest: tuple[Any, ...], transport: RecordingTransport, parts: Any) -> None:
    """Of a body with status or headers only the body is exchanged, and flushed before its end."""

    @formo_flush
    def handler(request: Request) -> Any:
        return (parts(), *rest)

    body, *others = handler(Request())
    assert tuple(others) == rest
    assert consume(body, transport)[-1] == ["Before First", "Before Last", "At The End"]


@pytest.mark.parametrize("headers", [SIZED, [("content-length", "10")]])
def test_tuple_of_flask_tells_the_length(headers: Any, transport: RecordingTransport, parts: Any) -> None:
    """The Content-Length among the headers of a tuple counts, in either form."""

    @formo_flush
    def handler(request: Request) -> Any:
        return parts(), 200, headers

    body, *_ = handler(Request())
    assert consume(body, transport)[1] == ["Before First", "Before Last"]


def test_tuple_with_a_response_keeps_it(transport: RecordingTransport, parts: Any) -> None:
    """A response with another status beside it stays the response that it is."""
    response = flask.Response(parts(), headers=SIZED)

    @formo_flush
    def handler(request: Request) -> Any:
        return response, 201

    assert handler(Request()) == (response, 201)
    assert consume(response.response, transport)[1] == ["Before First", "Before Last"]


def unchanging() -> Iterator[tuple[str, Any]]:
    """Give what is complete, or none of ours."""
    yield "list", flask.Response([b"a", b"b"])
    wrapped = werkzeug.wsgi.wrap_file({}, io.BytesIO(b"file"))
    yield "file", flask.Response(wrapped, direct_passthrough=True)
    yield "django", django.http.HttpResponse(b"a")
    yield "django file", django.http.FileResponse(io.BytesIO(b"file"))
    yield "starlette", starlette.responses.JSONResponse({})
    yield "mock", MagicMock()
    yield "pair", (iter([b"a"]), object())
    yield "long tuple", (iter([b"a"]), 1, 2, 3)
    yield "nested tuple", ((iter([b"a"]), 200), 200)
    yield "text", ("text", 200)
    yield "file object", io.BytesIO(b"file")


@pytest.mark.parametrize("result", [result for _, result in unchanging()], ids=[name for name, _ in unchanging()])
def test_everything_else_is_complete(result: Any, client: FormoAnalytics, transport: RecordingTransport) -> None:
    """What has no part to come is returned as it is, with its attributes, and flushed at the return."""
    before = dict(vars(result)) if hasattr(result, "__dict__") and not isinstance(result, MagicMock) else None

    @formo_flush
    def handler(request: Request) -> Any:
        client.track("In The Handler")
        return result

    assert handler(Request()) is result
    assert names(transport) == ["In The Handler"]
    assert before is None or vars(result) == before


def test_iterable_is_closed_with_its_response(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A body that has a close of its own is closed with the response, before its first part too, and flushed."""
    closed: list[str] = []

    class Rows:
        def __iter__(self) -> Iterator[bytes]:
            yield b"row"

        def close(self) -> None:
            client.track("Closed")
            closed.append("rows")

    @formo_flush
    def handler(request: Request) -> Any:
        return flask.Response(Rows())

    handler(Request()).close()

    assert (closed, names(transport)) == (["rows"], ["Closed"])


def test_failing_body_raises_its_own_error(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """An exception in a body passes as it is, and the events from before it are sent."""

    def parts() -> Iterator[bytes]:
        client.track("Before The Failure")
        yield b"first"
        raise LookupError("no such pool")

    @formo_flush
    def handler(request: Request) -> Any:
        return flask.Response(parts())

    with pytest.raises(LookupError, match="no such pool"):
        list(handler(Request()).response)
    assert names(transport) == ["Before The Failure"]


def test_failing_close_of_a_body_is_a_failure(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """An exception in the close of a body passes as it is, and the rule for failures holds."""
    closed: list[str] = []

    class Rows:
        def __iter__(self) -> Iterator[bytes]:
            client.track("Iterated")
            yield b"row"

        def close(self) -> None:
            closed.append("rows")
            raise LookupError("no such pool")

    @formo_flush(on_exception="discard")
    def handler(request: Request) -> Any:
        return flask.Response(Rows())

    body = handler(Request()).response
    next(iter(body))
    with pytest.raises(LookupError, match="no such pool"):
        body.close()

    assert (closed, transport.requests, client.stats.discarded) == (["rows"], [], 1)
