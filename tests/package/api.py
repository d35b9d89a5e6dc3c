"""What a type checker sees of the public surface: read by mypy, never run."""

from __future__ import annotations

import functools
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

from typing_extensions import assert_type

from formo_lambda import (
    ConfigurationError,
    DeliveryError,
    FlushOptions,
    FlushResult,
    FormoAnalytics,
    FormoError,
    Invocation,
    Platform,
    Response,
    Stats,
    Transport,
    ValidationError,
    __version__,
    formo_flush,
)
from formo_lambda.asgi import FormoFlushMiddleware as AsgiMiddleware
from formo_lambda.testing import FakeLambdaContext, LocalCollector, RecordingTransport
from formo_lambda.wsgi import FormoFlushMiddleware as WsgiMiddleware

ADDRESS = "0x9798d87366bdfc5d70b300abdffc4f9e95369b3d"

# -- the client --------------------------------------------------------------------------------------------------------

client = FormoAnalytics()
assert_type(client.track("Swap Completed", address=ADDRESS, properties={"volume": 4500}), str)
assert_type(client.track("Swap Completed", timestamp=datetime.now(timezone.utc), anonymous_id=uuid4()), str)
assert_type(client.track("Swap Completed", timestamp=1_764_000_000, context={"locale": "en"}), str)
assert_type(client.identify(ADDRESS, properties={"email": "a@example.test"}, user_id="1"), str)
assert_type(client.flush(), FlushResult)
assert_type(client.flush(1), FlushResult)
assert_type(client.flush(timeout=0.5), FlushResult)
assert_type(client.close(), FlushResult)
assert_type(client.stats, Stats)
assert_type(client.stats.tracked, int)
assert_type(__version__, str)

client.track()  # type: ignore[call-arg] # the name is needed
client.track("Swap Completed", ADDRESS)  # type: ignore[call-arg] # everything but the name goes by name
client.track("Swap Completed", chain_id=1)  # type: ignore[call-arg] # no such field
client.identify()  # type: ignore[call-arg] # the wallet is needed
client.flush("soon")  # type: ignore[arg-type] # seconds
FormoAnalytics(flush_at="20")  # type: ignore[arg-type] # a number
FormoAnalytics(flushAt=20)  # type: ignore[call-arg] # Python names
FormoAnalytics("key", 20)  # type: ignore[call-arg] # options go by name
FormoAnalytics(on_invalid="ignore")  # type: ignore[arg-type] # one of two


def sink(events: list[dict[str, Any]], error: Exception) -> None:
    """Keep what was given up."""


FormoAnalytics(
    "key",
    flush_at=20,
    flush_interval=30,
    max_queue_size=500_000,
    retry_count=3,
    flush_timeout=2,
    request_timeout=5.0,
    max_pending_size=10_000_000,
    api_host="https://events.example.test",
    enabled=True,
    handle_signals=False,
    on_undelivered=sink,
    on_invalid="log",
    transport=RecordingTransport(),
    json_default=str,
    channel="import",
)


class OwnTransport:
    """A transport of the user's own."""

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Send nothing."""
        return Response(200)


transport: Transport = OwnTransport()
FormoAnalytics(transport=transport)
FormoAnalytics(transport=object())  # type: ignore[arg-type] # it has no send


def use_response(response: Response) -> None:
    """Read what a transport answers."""
    assert_type((response.status, response.body, response.requests), tuple[int, bytes, int])
    assert_type(response.headers, Mapping[str, str])
    Response("200")  # type: ignore[arg-type] # a number


async def use_async() -> None:
    """Use the asynchronous half."""
    assert_type(await client.aflush(), FlushResult)
    assert_type(await client.aflush(timeout=1), FlushResult)
    assert_type(await client.aclose(), FlushResult)
    async with FormoAnalytics() as opened:
        assert_type(opened, FormoAnalytics)
    async with client.invocation() as invocation:
        assert_type(invocation.result, FlushResult | None)


def use_scopes() -> None:
    """Use the context managers."""
    with FormoAnalytics() as opened:
        assert_type(opened, FormoAnalytics)
    with client.invocation(on_exception="discard", timeout=1, idempotency_key="order 1") as invocation:
        assert_type(invocation, Invocation)
        assert_type(invocation.result, FlushResult | None)
    client.invocation(on_exception=lambda error: isinstance(error, KeyError))
    client.invocation(on_exception="drop")  # type: ignore[arg-type] # one of two, or a callable


# -- results and errors ------------------------------------------------------------------------------------------------


def use_result(result: FlushResult) -> None:
    """Read every field."""
    assert_type(result.sent, int)
    assert_type(result.quarantined, int)
    assert_type(result.retained, int)
    assert_type(result.undelivered, int)
    assert_type(result.discarded, int)
    assert_type(result.invalid, int)
    assert_type(result.requests, int)
    assert_type(result.elapsed, float)
    assert_type(result.errors, tuple[DeliveryError, ...])
    assert_type(result.ok, bool)
    result.raise_for_errors()
    result.sent = 1  # type: ignore[misc] # a record


def use_errors(validation: ValidationError, configuration: ConfigurationError, delivery: DeliveryError) -> None:
    """Read what errors say."""
    assert_type(validation.field, str)
    assert_type(configuration.option, str)
    assert_type((validation.reason, configuration.reason, delivery.reason), tuple[str, str, str])
    assert_type((delivery.status, delivery.count, delivery.transient), tuple[int | None, int, bool])
    errors: list[FormoError] = [validation, configuration, delivery]
    values: list[ValueError] = [validation, configuration]
    assert errors
    assert values


# -- the decorator, bare -----------------------------------------------------------------------------------------------


@formo_flush
def bare(event: dict[str, int], context: object = None, *, deep: bool = False) -> list[int]:
    """Be a function."""
    return [event["a"]]


assert_type(bare({"a": 1}), list[int])
assert_type(bare({"a": 1}, None, deep=True), list[int])
bare("event")  # type: ignore[arg-type] # the signature is kept
bare({}, deeper=True)  # type: ignore[call-arg] # likewise


@formo_flush
async def bare_coroutine(event: str) -> bytes:
    """Be a coroutine function."""
    return event.encode()


bare_pending = assert_type(bare_coroutine("a"), Coroutine[Any, Any, bytes])  # pyright: ignore[reportAssertTypeFailure] # it says CoroutineType


async def await_it() -> None:
    """Await a decorated handler."""
    assert_type(await bare_coroutine("a"), bytes)


@formo_flush
def bare_generator(count: int) -> Generator[int, str, bytes]:
    """Be a generator function."""
    said = yield count
    return said.encode()


assert_type(bare_generator(1), Generator[int, str, bytes])


@formo_flush
def bare_iterator(count: int) -> Iterator[int]:
    """Be a generator function that promises less."""
    yield count


assert_type(bare_iterator(1), Iterator[int])


@formo_flush
async def bare_async_generator(count: int) -> AsyncGenerator[int, str]:
    """Be an asynchronous generator function."""
    yield count


assert_type(bare_async_generator(1), AsyncGenerator[int, str])


@formo_flush
def bare_awaitable(count: int) -> Awaitable[bytes]:
    """Return something to await."""
    return bare_coroutine(str(count))


assert_type(bare_awaitable(1), Awaitable[bytes])


class Handlers:
    """Methods of every kind."""

    @formo_flush
    def method(self, event: int) -> str:
        """Be a method."""
        return str(event)

    @formo_flush
    async def coroutine(self, event: int) -> str:
        """Be a coroutine method."""
        return str(event)

    @classmethod
    @formo_flush
    def of_class(cls, event: int) -> str:
        """Be a method of the class."""
        return str(event)

    @staticmethod
    @formo_flush
    def of_none(event: int) -> str:
        """Be a static method."""
        return str(event)

    def __call__(self, event: int) -> str:
        """Make its instances callable."""
        return str(event)


assert_type(Handlers().method(1), str)
method_pending = assert_type(Handlers().coroutine(1), Coroutine[Any, Any, str])  # pyright: ignore[reportAssertTypeFailure] # likewise
assert_type(Handlers.of_class(1), str)
assert_type(Handlers.of_none(1), str)
Handlers().method("1")  # type: ignore[arg-type] # the signature is kept
assert_type(formo_flush(Handlers())(1), str)
assert_type(formo_flush(Handlers().method)(1), str)
assert_type(formo_flush(functools.partial(bare, {"a": 1}))(), list[int])
formo_flush(5)  # type: ignore[call-overload] # nothing to call


# -- the decorator, with arguments -------------------------------------------------------------------------------------


@formo_flush(timeout=1.5, clients=[client], on_exception="discard")
def called(event: dict[str, int], context: object = None, *, deep: bool = False) -> list[int]:
    """Be a function."""
    return [event["a"]]


assert_type(called({"a": 1}, deep=True), list[int])
called("event")  # type: ignore[arg-type] # the signature is kept


@formo_flush()
async def called_coroutine(event: str) -> bytes:
    """Be a coroutine function."""
    return event.encode()


called_pending = assert_type(called_coroutine("a"), Coroutine[Any, Any, bytes])  # pyright: ignore[reportAssertTypeFailure] # likewise


@formo_flush(timeout=1)
def called_generator(count: int) -> Generator[int, str, bytes]:
    """Be a generator function."""
    said = yield count
    return said.encode()


assert_type(called_generator(1), Generator[int, str, bytes])


@formo_flush(timeout=1)
async def called_async_iterator(count: int) -> AsyncIterator[int]:
    """Be an asynchronous generator function that promises less."""
    yield count


assert_type(called_async_iterator(1), AsyncIterator[int])


@formo_flush(idempotency=lambda event, context: str(event["id"]), on_exception=lambda error: False)
def called_with_rules(event: dict[str, str], context: object) -> None:
    """Have rules of its own."""


called_with_rules({"id": "1"}, FakeLambdaContext())
assert_type(formo_flush(timeout=1)(Handlers().method)(1), str)


@formo_flush
class BareClass:
    """A class, as some platforms want one."""

    def handle(self) -> int:
        """Handle a request."""
        return 200


@formo_flush(timeout=1)
class CalledClass:
    """Likewise."""

    def handle(self) -> int:
        """Handle a request."""
        return 200


assert_type(BareClass, type[BareClass])
assert_type(BareClass().handle(), int)
assert_type(CalledClass().handle(), int)

formo_flush(timeout="2")  # type: ignore[call-overload] # seconds
formo_flush(on_exception="drop")  # type: ignore[call-overload] # one of two, or a callable
formo_flush(clients=client)  # type: ignore[call-overload] # several
formo_flush(timout=2)  # type: ignore[call-overload] # no such option

# -- the options of decorator and middleware ---------------------------------------------------------------------------


class OwnPlatform:
    """A platform of the user's own."""

    name = "own"
    serverless = False
    exit_budget = 1.0

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Match nothing."""
        return False

    def remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Say nothing."""
        return None


platform: Platform = OwnPlatform()
options: FlushOptions = {
    "timeout": 1.5,
    "clients": [client],
    "on_exception": lambda error: isinstance(error, KeyError),
    "idempotency": lambda event, context: uuid4(),
    "platforms": [platform],
}
wrong_options: FlushOptions = {"timout": 1}  # type: ignore[typeddict-unknown-key] # no such option


async def asgi_application(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """Serve nothing."""


def wsgi_application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer nothing."""
    return []


assert_type(formo_flush(**options)(bare)({"a": 1}), list[int])
assert_type(AsgiMiddleware(asgi_application, **options), AsgiMiddleware)
assert_type(WsgiMiddleware(wsgi_application, timeout=1, on_exception="discard"), WsgiMiddleware)
AsgiMiddleware(asgi_application, timeout="1")  # type: ignore[arg-type] # seconds
WsgiMiddleware(wsgi_application, timout=1)  # type: ignore[call-arg] # no such option


def keep(handler: Callable[[int], str]) -> Callable[[int], str]:
    """Hand a decorated handler to whoever wants a plain callable."""
    return handler


keep(formo_flush(Handlers().method))

# -- testing -----------------------------------------------------------------------------------------------------------

recording: Transport = RecordingTransport()
assert_type(RecordingTransport().events, list[dict[str, Any]])
assert_type(LocalCollector().url, str)
assert_type(FakeLambdaContext().get_remaining_time_in_millis(), int)
