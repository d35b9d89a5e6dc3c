"""Whatever can be called can be decorated: it works as before, and its events have arrived when it is done."""

from __future__ import annotations

import asyncio
import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.invocation.scope import current_scope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from formo_lambda.testing import RecordingTransport

    Kind = Callable[[FormoAnalytics, Callable[[Any], Any]], Callable[..., Any]]


def _function(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    @decorate
    def handler(event: str, context: object = None) -> str:
        client.track("Handled")
        return event

    return handler  # type: ignore[no-any-return] # decorate keeps the kind


def _coroutine_function(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    @decorate
    async def handler(event: str, context: object = None) -> str:
        await asyncio.sleep(0)
        client.track("Handled")
        return event

    return handler  # type: ignore[no-any-return]


def _method(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    class Handlers:
        @decorate
        def handle(self, event: str, context: object = None) -> str:
            assert isinstance(self, Handlers)
            client.track("Handled")
            return event

    return Handlers().handle  # type: ignore[no-any-return]


def _async_method(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    class Handlers:
        @decorate
        async def handle(self, event: str, context: object = None) -> str:
            assert isinstance(self, Handlers)
            client.track("Handled")
            return event

    return Handlers().handle  # type: ignore[no-any-return]


def _bound_method(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    class Handlers:
        def handle(self, event: str, context: object = None) -> str:
            client.track("Handled")
            return event

    return decorate(Handlers().handle)  # type: ignore[no-any-return]


def _under_classmethod(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    class Handlers:
        @classmethod
        @decorate
        def handle(cls, event: str, context: object = None) -> str:
            assert cls is Handlers
            client.track("Handled")
            return event

    return Handlers.handle  # type: ignore[no-any-return]


def _over_classmethod(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    class Handlers:
        @decorate
        @classmethod
        def handle(cls, event: str, context: object = None) -> str:
            assert cls is Handlers
            client.track("Handled")
            return event

    return Handlers().handle  # type: ignore[no-any-return]


def _under_staticmethod(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    class Handlers:
        @staticmethod
        @decorate
        def handle(event: str, context: object = None) -> str:
            client.track("Handled")
            return event

    return Handlers().handle  # type: ignore[no-any-return]


def _over_staticmethod(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    class Handlers:
        @decorate
        @staticmethod
        def handle(event: str, context: object = None) -> str:
            client.track("Handled")
            return event

    return Handlers().handle  # type: ignore[no-any-return]


def _partial(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    def handler(mark: str, event: str, context: object = None) -> str:
        assert mark == "mark"
        client.track("Handled")
        return event

    return decorate(functools.partial(handler, "mark"))  # type: ignore[no-any-return]


def _async_partial(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    async def handler(mark: str, event: str, context: object = None) -> str:
        client.track("Handled")
        return event

    return decorate(functools.partial(functools.partial(handler), "mark"))  # type: ignore[no-any-return]


def _callable_object(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    class Handler:
        def __call__(self, event: str, context: object = None) -> str:
            client.track("Handled")
            return event

    return decorate(Handler())  # type: ignore[no-any-return]


def _async_callable_object(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    class Handler:
        async def __call__(self, event: str, context: object = None) -> str:
            client.track("Handled")
            return event

    return decorate(Handler())  # type: ignore[no-any-return]


def _function_returning_coroutine(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    @decorate
    def handler(event: str, context: object = None) -> Awaitable[str]:
        async def late() -> str:
            await asyncio.sleep(0)
            client.track("Handled")
            return event

        return late()

    return handler  # type: ignore[no-any-return]


def _lambda(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    return decorate(lambda event, context=None: client.track("Handled") and event)  # type: ignore[no-any-return]


def _generator(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    @decorate
    def handler(event: str, context: object = None) -> Iterator[str]:
        yield from event
        client.track("Handled")

    return handler  # type: ignore[no-any-return]


def _generator_method(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    class Handlers:
        @decorate
        def handle(self, event: str, context: object = None) -> Iterator[str]:
            yield from event
            client.track("Handled")

    return Handlers().handle  # type: ignore[no-any-return]


def _generator_object(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    class Handler:
        def __call__(self, event: str, context: object = None) -> Iterator[str]:
            yield from event
            client.track("Handled")

    return decorate(Handler())  # type: ignore[no-any-return]


def _function_returning_generator(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    @decorate
    def handler(event: str, context: object = None) -> Iterator[str]:
        def late() -> Iterator[str]:
            yield from event
            client.track("Handled")

        return late()

    return handler  # type: ignore[no-any-return]


def _function_returning_iterator(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    @decorate
    def handler(event: str, context: object = None) -> Iterator[str]:
        def step(letter: str) -> str:
            if letter == event[-1]:
                client.track("Handled")
            return letter

        return map(step, event)

    return handler  # type: ignore[no-any-return]


def _async_generator(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    @decorate
    async def handler(event: str, context: object = None) -> AsyncIterator[str]:
        for letter in event:
            await asyncio.sleep(0)
            yield letter
        client.track("Handled")

    return handler  # type: ignore[no-any-return]


def _function_returning_async_generator(client: FormoAnalytics, decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    @decorate
    def handler(event: str, context: object = None) -> AsyncIterator[str]:
        async def late() -> AsyncIterator[str]:
            for letter in event:
                yield letter
            client.track("Handled")

        return late()

    return handler  # type: ignore[no-any-return]


def _coroutine_function_returning_generator(
    client: FormoAnalytics, decorate: Callable[[Any], Any]
) -> Callable[..., Any]:
    @decorate
    async def handler(event: str, context: object = None) -> Iterator[str]:
        def late() -> Iterator[str]:
            yield from event
            client.track("Handled")

        return late()

    return handler  # type: ignore[no-any-return]


KINDS: list[Kind] = [
    _function,
    _coroutine_function,
    _method,
    _async_method,
    _bound_method,
    _under_classmethod,
    _over_classmethod,
    _under_staticmethod,
    _over_staticmethod,
    _partial,
    _async_partial,
    _callable_object,
    _async_callable_object,
    _function_returning_coroutine,
    _lambda,
    _generator,
    _generator_method,
    _generator_object,
    _function_returning_generator,
    _function_returning_iterator,
    _async_generator,
    _function_returning_async_generator,
    _coroutine_function_returning_generator,
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.strip("_"))


def consume(result: Any) -> str:
    """Bring what a handler returned to its end, as its caller would."""
    if inspect.isawaitable(result):

        async def wait() -> Any:
            return await result

        result = asyncio.run(wait())
    if hasattr(result, "__anext__"):

        async def collect() -> str:
            return "".join([part async for part in result])

        return asyncio.run(collect())
    return result if isinstance(result, str) else "".join(result)


@every_kind
@pytest.mark.parametrize(
    "decorate", [formo_flush, formo_flush(), formo_flush(timeout=1.0)], ids=["bare", "called", "timed"]
)
@pytest.mark.parametrize("by_name", [False, True], ids=["by position", "by name"])
def test_every_kind_works_and_is_flushed(
    client: FormoAnalytics,
    transport: RecordingTransport,
    kind: Kind,
    decorate: Callable[[Any], Any],
    by_name: bool,  # noqa: FBT001 -- a parameter of the table
) -> None:
    """The result is the handler's own, its events have arrived when it is complete, and no scope is left behind."""
    handler = kind(client, decorate)
    for number in range(1, 4):
        result = handler(event="result", context=None) if by_name else handler("result", None)
        assert consume(result) == "result"
        assert len(transport.events) == number
        assert current_scope() is None
    assert len(transport.requests) == 3


@every_kind
def test_decorating_twice_flushes_once(client: FormoAnalytics, transport: RecordingTransport, kind: Kind) -> None:
    """The inner decoration joins the outer one: still one request a call."""
    handler = kind(client, lambda function: formo_flush(formo_flush(function)))
    assert consume(handler("result")) == "result"
    assert consume(handler("result")) == "result"
    assert (len(transport.events), len(transport.requests)) == (2, 2)
    assert current_scope() is None


@every_kind
def test_every_kind_stays_what_it_is(client: FormoAnalytics, kind: Kind) -> None:
    """Coroutine functions, generator functions and their likes are still told from functions."""
    plain, decorated = kind(client, lambda function: function), kind(client, formo_flush)
    for tells in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction):
        assert tells(decorated) == tells(plain)
        assert tells(decorated.__call__) == tells(plain.__call__)  # type: ignore[operator] # servers look at it, too


@every_kind
def test_every_kind_keeps_its_signature(client: FormoAnalytics, kind: Kind) -> None:
    """Frameworks that look at parameters see the handler's own."""
    assert inspect.signature(kind(client, formo_flush)) == inspect.signature(kind(client, lambda function: function))


def test_a_function_keeps_its_name_and_more() -> None:
    """Name, module, docs, annotations, defaults and attributes are the handler's; `__wrapped__` is the handler."""

    def handler(event: dict[str, int], context: object = None, *, deep: bool = False) -> list[int]:
        """Document itself."""
        return []

    handler.route = "/swaps"  # type: ignore[attr-defined] # as frameworks do
    decorated = formo_flush(handler)
    assert inspect.isfunction(decorated)
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__"):
        assert getattr(decorated, name) == getattr(handler, name)
    assert decorated.__wrapped__ is handler  # type: ignore[attr-defined] # functools says so
    assert inspect.unwrap(decorated) is handler
    assert decorated.route == "/swaps"  # type: ignore[attr-defined]


def test_an_objects_attributes_stay_with_it() -> None:
    """The wrapper of a callable object has its state, and not a copy that would go stale."""

    class Handler:
        """Count."""

        def __init__(self) -> None:
            self.calls = 0

        def __call__(self) -> int:
            self.calls += 1
            return self.calls

    handler = Handler()
    decorated = formo_flush(handler)
    assert [decorated(), decorated()] == [1, 2]
    assert isinstance(decorated, Handler)
    assert decorated.calls == 2
    decorated.calls = 5
    assert handler.calls == 5
    assert decorated.__doc__ == "Count."


@pytest.mark.parametrize("wrong", [5, "handler", {}, object(), property(lambda self: self)])
def test_what_cannot_be_called_cannot_be_decorated(wrong: Any) -> None:
    """It is said at decoration, not at the first call."""
    decorate = formo_flush()
    with pytest.raises(TypeError, match="cannot be called"):
        decorate(wrong)
    with pytest.raises(TypeError, match="cannot be called"):
        formo_flush(wrong)
