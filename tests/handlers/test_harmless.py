"""The handler's value, exception and time are as without us."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import FormoAnalytics, ValidationError, formo_flush
from formo_lambda.asgi import FormoFlushMiddleware
from formo_lambda.invocation.scope import current_scope
from formo_lambda.testing import FakeLambdaContext, RecordingTransport
from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from formo_lambda.transport.protocol import Response
    from tests.client.recorded import MakeClient


class Exploding:
    """A transport that raises, or returns what is no answer."""

    def __init__(self, explode: Callable[[], Any]) -> None:
        self._explode = explode

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Explode."""
        return self._explode()  # type: ignore[no-any-return] # that is what is tested


def _raise(error: BaseException) -> Any:
    raise error


EXPLOSIONS: dict[str, Callable[[], Any]] = {
    "error": lambda: _raise(RuntimeError("boom")),
    "exit": lambda: _raise(SystemExit(7)),
    "interrupt": lambda: _raise(KeyboardInterrupt()),
    "generator exit": lambda: _raise(GeneratorExit()),
    "cancelled": lambda: _raise(asyncio.CancelledError()),
    "stop": lambda: _raise(StopIteration(1)),
    "memory": lambda: _raise(MemoryError()),
    "none": lambda: None,
    "string": lambda: "200",
    "plain tuple": lambda: (200, {}, b""),
}


@pytest.mark.parametrize("explosion", list(EXPLOSIONS))
def test_an_exploding_transport_never_touches_the_handler(make_client: MakeClient, explosion: str) -> None:
    """Whatever sending does: value and exception are the handler's, in time, sync and async, time and again."""
    client = make_client(transport=Exploding(EXPLOSIONS[explosion]), flush_timeout=0.3, retry_count=0)
    value, failure = object(), KeyError("the handler's own")

    @formo_flush
    def handler(fail: bool) -> object:  # noqa: FBT001 -- a handler of the test
        client.track("Doomed")
        if fail:
            raise failure
        return value

    @formo_flush
    async def async_handler(fail: bool) -> object:  # noqa: FBT001
        client.track("Doomed")
        if fail:
            raise failure
        return value

    began = time.monotonic()
    for _ in range(2):
        assert handler(fail=False) is value
        with pytest.raises(KeyError) as caught:
            handler(fail=True)
        assert caught.value is failure
        assert asyncio.run(async_handler(fail=False)) is value
        with pytest.raises(KeyError) as caught:
            asyncio.run(async_handler(fail=True))
        assert caught.value is failure
    assert time.monotonic() - began < 1.0
    stats = client.stats
    assert stats.tracked == 8 == stats.retained + stats.undelivered + stats.buffered


@pytest.mark.parametrize(
    "value", [None, 0, "", [], {"statusCode": 200}, b"bytes", (1, 2), {1, 2}, ValueError("returned"), object(), type]
)
def test_the_value_is_the_same_object(client: FormoAnalytics, value: object) -> None:
    """Whatever a handler returns that is complete comes out as the very same object."""

    @formo_flush
    def handler() -> object:
        client.track("Handled")
        return value

    @formo_flush
    async def async_handler() -> object:
        client.track("Handled")
        return value

    assert handler() is value
    assert asyncio.run(async_handler()) is value


class _Closed(type):
    """A metaclass whose classes answer nothing."""

    def __getattr__(cls, name: str) -> Any:
        raise LookupError(name)


class _Comparable(type):
    """A metaclass that compares classes, as those of some query builders do, and so takes their hash away."""

    def __eq__(cls, other: object) -> Any:
        return [cls, other]

    __hash__ = None  # type: ignore[assignment] # that is what is tested


@pytest.mark.parametrize("metaclass", [_Closed, _Comparable])
def test_a_value_of_a_strange_class_is_handed_on(client: FormoAnalytics, metaclass: type) -> None:
    """A value whose class raises when it is looked at comes out as any other, also of one of several arguments."""
    value = metaclass("Strange", (), {})()

    @formo_flush
    def handler(*arguments: object) -> object:
        client.track("Handled")
        return value

    @formo_flush
    async def async_handler(*arguments: object) -> object:
        client.track("Handled")
        return value

    assert handler(value, value, print) is value
    assert asyncio.run(async_handler(value, value, print)) is value
    assert client.stats.sent == 2


def _failing(client: FormoAnalytics) -> Callable[[], None]:
    def handler() -> None:
        client.track("Failed")
        try:
            dict[str, int]()["missing"]
        except KeyError as error:
            raise ValueError("the handler's own") from error

    return handler


def _outcome(call: Callable[[], Any]) -> BaseException:
    try:
        call()
    except BaseException as error:  # noqa: BLE001 -- returned
        return error
    raise AssertionError("it did not raise")


def test_the_exception_is_as_without_us(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Type, cause and context are the handler's; the traceback has one frame more; the events have arrived."""
    handler = _failing(client)
    plain, ours = _outcome(handler), _outcome(formo_flush(handler))
    assert type(ours) is type(plain)
    assert str(ours) == str(plain)
    assert isinstance(ours.__cause__, KeyError)
    assert ours.__context__ is ours.__cause__
    assert ours.__cause__.__context__ is None
    frames, extra = traceback.extract_tb(plain.__traceback__), traceback.extract_tb(ours.__traceback__)
    assert len(extra) == len(frames) + 1
    assert [(each.name, each.lineno) for each in extra[-1:]] == [(each.name, each.lineno) for each in frames[-1:]]
    assert len(transport.events) == 2


def test_the_context_of_an_exception_is_not_ours(make_client: MakeClient) -> None:
    """An exception that failed alone has no context, although delivery failed meanwhile, too."""
    client = make_client(transport=Exploding(EXPLOSIONS["error"]), retry_count=0)

    @formo_flush
    def handler() -> None:
        client.track("Failed")
        raise OSError("alone")

    @formo_flush
    async def async_handler() -> None:
        client.track("Failed")
        raise OSError("alone")

    for error in (_outcome(handler), _outcome(lambda: asyncio.run(async_handler()))):
        assert (error.__context__, error.__cause__, error.__suppress_context__) == (None, None, False)


@pytest.mark.parametrize("error", [SystemExit(3), SystemExit(), KeyboardInterrupt(), GeneratorExit(), Exception("x")])
def test_every_way_out_is_flushed(client: FormoAnalytics, transport: RecordingTransport, error: BaseException) -> None:
    """Also sys.exit and an interrupt leave after the events, as the very same exception."""

    @formo_flush
    def handler() -> None:
        client.track("Leaving")
        raise error

    assert _outcome(handler) is error
    assert len(transport.events) == 1
    assert current_scope() is None


def test_a_cancelled_handler_is_flushed(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Cancelling the task of a handler sends what it had tracked; the task is cancelled all the same."""

    @formo_flush
    async def handler() -> None:
        client.track("Begun")
        await asyncio.sleep(10.0)

    async def main() -> None:
        task = asyncio.ensure_future(handler())
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(main())
    assert len(transport.events) == 1
    assert current_scope() is None


def test_a_closed_coroutine_is_closed(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Closing a coroutine while the loop runs ends it at once, as it can await nothing; its events leave later."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        client.track("Begun")
        await asyncio.sleep(10.0)

    async def enter() -> None:
        async with client.invocation():
            await serve(None, None, None)

    async def main() -> None:
        connection = ({"type": "http"}, asyncio.sleep, asyncio.sleep)
        decorated = formo_flush(serve)
        for coroutine in (
            decorated(1, 2, 3),
            decorated(*connection),
            FormoFlushMiddleware(serve)(*connection),
            enter(),
        ):
            coroutine.send(None)
            coroutine.close()

    asyncio.run(main())
    client.flush()
    assert len(transport.events) == 4
    assert current_scope() is None


def test_a_closed_async_generator_is_flushed(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Closing an asynchronous generator that has opened an invocation ends that with a flush."""

    async def generator() -> AsyncGenerator[None, None]:
        async with client.invocation():
            client.track("Begun")
            yield

    async def main() -> int:
        stream = generator()
        await anext(stream)
        await stream.aclose()
        return len(transport.events)

    assert asyncio.run(main()) == 1


def test_a_fault_of_the_callers_passes(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A ValidationError of track in the handler is the handler's exception."""

    @formo_flush
    def handler() -> None:
        client.track("Good")
        client.track("")

    with pytest.raises(ValidationError):
        handler()
    assert len(transport.events) == 1


def test_wrong_arguments_raise_as_without_us(client: FormoAnalytics) -> None:
    """A call that does not fit the signature is a TypeError of the handler's name."""

    @formo_flush
    def handler(event: object) -> None:
        client.track("Never")

    with pytest.raises(TypeError, match=r"handler\(\) missing 1 required positional argument"):
        handler()  # type: ignore[call-arg] # that is what is tested
    assert current_scope() is None


def test_arguments_named_like_ours_are_the_handlers(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """No name of a keyword argument is taken."""

    @formo_flush
    def handler(**kwargs: object) -> object:
        client.track("Handled")
        return kwargs

    given = dict.fromkeys(("handler", "self", "run", "timeout", "clients", "args", "kwargs", "options", "error"), 1)
    assert handler(**given) == given
    assert len(transport.events) == 1


# -- the deadline ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["second", "first", "third", "by name"])
def test_the_lambda_context_bounds_the_flush(
    make_client: MakeClient, transport: RecordingTransport, where: str
) -> None:
    """Wherever it is among the arguments, the flush ends before the deadline it tells, less a reserve."""
    client = make_client(flush_timeout=5.0)
    transport.delay = 10.0

    @formo_flush
    def handler(*args: object, **kwargs: object) -> str:
        return client.track("Bounded")

    context = FakeLambdaContext(remaining_ms=500)
    began = time.monotonic()
    if where == "by name":
        handler({}, context=context)
    else:
        handler(*{"first": (context,), "second": ({}, context), "third": (1, 2, context)}[where])
    assert time.monotonic() - began < 0.5
    assert transport.requests[0].timeout is not None
    assert transport.requests[0].timeout <= 0.25
    assert client.stats.retained == 1


def test_the_remaining_time_is_asked_when_it_counts(make_client: MakeClient, transport: RecordingTransport) -> None:
    """What the handler itself used up is gone."""
    client = make_client(flush_timeout=5.0)
    transport.delay = 10.0
    context = FakeLambdaContext(remaining_ms=700)

    @formo_flush
    def handler(event: object, context: object) -> None:
        time.sleep(0.3)
        client.track("Bounded")

    began = time.monotonic()
    handler({}, context)
    assert time.monotonic() - began < 0.7
    assert transport.requests[0].timeout is not None
    assert transport.requests[0].timeout <= 0.15


class _Odd:
    """An argument that is no Lambda context, whatever it looks like."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.get_remaining_time_in_millis = answer


class _Proxy:
    """Like a request-local object outside its request: raises at any attribute."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("outside of its request")


@pytest.mark.parametrize(
    "argument",
    [
        _Proxy(),
        _Odd(lambda: "soon"),
        _Odd(lambda: None),
        _Odd(lambda: _raise(RuntimeError("no"))),
        _Odd(lambda: _raise(OSError("no"))),
        _Odd(lambda: float("inf")),
        _Odd(lambda: 10**400),
        _Odd(lambda: 1e300),
    ],
    ids=["proxy", "text", "none", "raises", "raises another", "infinite", "overflows", "huge"],
)
def test_an_odd_argument_does_not_hurt(client: FormoAnalytics, transport: RecordingTransport, argument: object) -> None:
    """What raises or answers nonsense when asked for its time has none to tell; the events arrive."""

    @formo_flush
    def handler(first: object, second: object) -> str:
        client.track("Handled")
        return "value"

    assert handler(argument, argument) == "value"
    assert len(transport.events) == 1


@pytest.mark.parametrize("milliseconds", [0, -5, float("nan"), -float("inf")])
def test_no_time_left_keeps_the_events(client: FormoAnalytics, milliseconds: float) -> None:
    """Without time there is no flush to wait for: the handler is through at once, the events are accounted for."""

    @formo_flush
    def handler(event: object, context: object) -> str:
        client.track("Too Late")
        return "value"

    began = time.monotonic()
    assert handler({}, _Odd(lambda: milliseconds)) == "value"
    assert time.monotonic() - began < 0.25
    assert client.stats.tracked == 1
    assert client.flush().retained == 0
    assert client.stats.sent == 1


def test_the_decorators_timeout_wins_over_the_clients(make_client: MakeClient, transport: RecordingTransport) -> None:
    """A handler with less patience than others says so where it is decorated."""
    client = make_client(flush_timeout=5.0)
    transport.delay = 10.0

    @formo_flush(timeout=0.1)
    def handler() -> None:
        client.track("Bounded")

    began = time.monotonic()
    handler()
    assert time.monotonic() - began < 0.35


# -- the cost of nothing -----------------------------------------------------------------------------------------------


def test_without_events_nothing_happens(make_client: MakeClient, transport: RecordingTransport) -> None:
    """No thread and no request."""
    make_client()
    threads = set(threading.enumerate())

    @formo_flush
    def handler(event: object, context: object) -> None:
        pass

    @formo_flush
    async def async_handler(event: object, context: object) -> None:
        pass

    for _ in range(50):
        handler({}, FakeLambdaContext())
        asyncio.run(async_handler({}, FakeLambdaContext()))
    assert set(threading.enumerate()) <= threads
    assert transport.requests == []


#: In a process of its own, because every client with senders alive is asked at the end of an invocation.
TIMED = """
import time
from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.testing import RecordingTransport

client = FormoAnalytics("test-key", transport=RecordingTransport())

@formo_flush
def handler(event, context):
    pass

def seconds(calls):
    began = time.perf_counter()
    for _ in range(calls):
        handler({}, None)
    return (time.perf_counter() - began) / calls

seconds(10)
print(min(seconds(500) for _ in range(10)))
"""


def test_without_events_it_takes_next_to_no_time() -> None:
    """An invocation that tracks nothing costs well under a fifth of a millisecond."""
    run = subprocess.run([sys.executable, "-c", TIMED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(run.stdout) < 0.000_2


def test_a_handler_works_without_any_client() -> None:
    """A decorated handler in an application that makes no client is just the handler."""

    @formo_flush
    def handler(event: int) -> int:
        return event + 1

    assert handler(1) == 2
    assert inspect.unwrap(handler)(1) == 2
