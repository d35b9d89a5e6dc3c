"""With the decorator and without it: value, exceptions, attributes, and the moment of each are the same.

Each case builds a handler, does with it what its callers might, and returns all that it saw. What cannot be the same
is listed in the guide.
"""

from __future__ import annotations

import asyncio
import collections.abc
import contextlib
import copy
import enum
import functools
import gc
import inspect
import io
import itertools
import pickle
import sys
import traceback
import types
import typing
import warnings
import weakref
from typing import TYPE_CHECKING, Any
from unittest import mock
from wsgiref.util import FileWrapper

import pytest

from formo_lambda import FormoAnalytics, formo_flush

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Decorate = typing.Callable[[Any], Any]
CASES: dict[str, Callable[[Decorate], Any]] = {}


def case(function: Callable[[Decorate], Any]) -> Callable[[Decorate], Any]:
    """Add a case to the table."""
    CASES[function.__name__] = function
    return function


@pytest.mark.parametrize("name", CASES)
def test_as_without_us(name: str, client: FormoAnalytics) -> None:
    """What one sees of a handler is the same with and without the decorator."""
    assert CASES[name](formo_flush) == CASES[name](lambda handler: handler)


def outcome(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what a call returned, or what it raised and why."""
    try:
        return call(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 -- it is compared
        reason = error.value if isinstance(error, StopIteration) else str(error)
        return type(error), reason, type(error.__cause__), type(error.__context__)


def driven(awaitable: Any) -> Any:
    """Await something in an event loop; return what came of it."""

    async def main() -> Any:
        return await awaitable

    return outcome(lambda: asyncio.run(main()))


def inspected(handler: Any) -> list[Any]:
    """Return what frameworks ask of a callable."""
    tests = (
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
        inspect.isfunction,
        inspect.ismethod,
        inspect.isbuiltin,
        inspect.isroutine,
        inspect.isclass,
        inspect.isawaitable,
        callable,
    )
    seen: list[Any] = [test(handler) for test in tests]
    seen += [test(handler.__call__) for test in tests]
    seen += [outcome(ask, handler) for ask in (inspect.signature, inspect.getdoc)]
    if inspect.isroutine(handler):
        seen += [inspect.getfullargspec(handler), typing.get_type_hints(handler)]
    names = ("name", "qualname", "module", "doc", "defaults", "kwdefaults", "annotations", "dict", "isabstractmethod")
    seen += [outcome(getattr, handler, f"__{name}__", "missing") for name in names]
    return [*seen, repr(type(handler.__class__)), handler.__class__.__name__]


# -- functions ---------------------------------------------------------------------------------------------------------


@case
def a_function_is_inspected(decorate: Decorate) -> Any:
    """Look at a function from all sides."""

    def handler(event: dict[str, int], /, context: object = None, *rest: int, deep: bool = True, **more: str) -> int:
        """Handle."""
        return len(event)

    handler.route = "/swap"  # type: ignore[attr-defined]
    return inspected(decorate(handler))


@case
def a_coroutine_function_is_inspected(decorate: Decorate) -> Any:
    """Look at a coroutine function from all sides."""

    async def handler(event: int, context: object = 1) -> int:
        """Handle."""
        return event

    return inspected(decorate(handler))


@case
def generator_functions_are_inspected(decorate: Decorate) -> Any:
    """Look at both kinds of generator functions."""

    def handler(event: int) -> Any:
        yield event

    async def later(event: int, *, sign: int = 1) -> Any:
        yield event

    return [inspected(decorate(handler)), inspected(decorate(later))]


@case
def wrong_arguments_raise_at_the_call(decorate: Decorate) -> Any:
    """Call functions of each kind without what they need."""

    def plain(event: int) -> None: ...
    async def coroutine(event: int) -> None: ...
    def generator(event: int) -> Any:
        yield event

    async def async_generator(event: int) -> Any:
        yield event

    functions = (plain, coroutine, generator, async_generator)
    return [outcome(decorate(function), *args) for function in functions for args in ((), (1, 2))] + [
        outcome(decorate(function), 1, event=2, other=3) for function in functions
    ]


@case
def a_function_raises(decorate: Decorate) -> Any:
    """Raise with a cause, within another exception."""

    @decorate
    def handler() -> None:
        raise LookupError("no pool") from KeyError("pool")

    try:
        raise OSError("outside")
    except OSError:
        return outcome(handler)


@case
def a_function_is_pickled_and_copied(decorate: Decorate) -> Any:
    """Send a function to another process, and copy it."""
    module = types.ModuleType("pairs_of_handlers")
    exec("def handler(event):\n    return event", module.__dict__)
    module.__dict__["handler"].__module__ = module.__name__
    module.__dict__["handler"] = handler = decorate(module.__dict__["handler"])
    sys.modules[module.__name__] = module
    try:
        again = pickle.loads(pickle.dumps(handler))
    finally:
        del sys.modules[module.__name__]
    return again is handler, copy.copy(handler) is handler, copy.deepcopy(handler) is handler


@case
def single_dispatch(decorate: Decorate) -> Any:
    """Dispatch by type to a handler, and register one."""

    def handler(event: object) -> str:
        return "any"

    def of_int(event: int) -> str:
        return "int"

    dispatched = functools.singledispatch(decorate(handler))
    dispatched.register(decorate(of_int))
    return dispatched(1), dispatched("one"), dispatched.dispatch(int)(1)


@case
def functools_wraps(decorate: Decorate) -> Any:
    """Decorate the decorated."""

    def handler(event: int, context: int = 2) -> int:
        """Handle."""
        return event + context

    inner = decorate(handler)

    @functools.wraps(inner)
    def outer(*args: Any, **kwargs: Any) -> Any:
        return inner(*args, **kwargs)

    del outer.__wrapped__  # each has its own
    return [inspected(outer), outer(1), inspect.getsource(inner)]


@case
def attributes_are_set(decorate: Decorate) -> Any:
    """Mark a handler, as frameworks do, and take the mark away."""

    @decorate
    def handler() -> None: ...

    handler.mark = 1
    seen = [handler.mark, vars(handler) == {"mark": 1}, "mark" in dir(handler)]
    del handler.mark
    return [*seen, hasattr(handler, "mark"), outcome(delattr, handler, "mark")]


@case
def a_handler_is_a_key(decorate: Decorate) -> Any:
    """Compare a handler, and put it into a dict and a weak reference."""

    @decorate
    def handler() -> None: ...

    reference = weakref.ref(handler)
    return handler == handler, handler != handler, {handler: 1}[handler], reference() is handler, bool(handler)  # noqa: PLR0124


@case
def a_lambda(decorate: Decorate) -> Any:
    """Have an expression as a handler."""
    handler = decorate(lambda event, context=None: [event, context])
    return [handler(1), handler(event=2), inspected(handler)]


@case
def a_mock(decorate: Decorate) -> Any:
    """Have a mock as a handler, and one as its result."""
    handler = mock.MagicMock(return_value=mock.sentinel.value)
    decorated = decorate(handler)
    strict = decorate(mock.create_autospec(lambda event: None, return_value=1))
    seen = [decorated(1) is mock.sentinel.value, decorated.call_args_list, decorated.called, strict(2)]
    return [*seen, outcome(decorated.assert_called_with, 1), isinstance(decorated, mock.MagicMock), strict.mock_calls]


@case
def an_async_mock(decorate: Decorate) -> Any:
    """Have an asynchronous mock as a handler."""
    handler = decorate(mock.AsyncMock(return_value=3))
    return [driven(handler(1)), handler.await_count, inspect.iscoroutinefunction(handler)]


# -- methods, partials, objects ----------------------------------------------------------------------------------------


@case
def methods(decorate: Decorate) -> Any:
    """Decorate in a class, and call by the class, an instance, a subclass, and by super()."""

    class Base:
        """Have one of each."""

        @decorate
        def method(self, event: int) -> Any:
            return type(self).__name__, event

        @classmethod
        @decorate
        def under(cls, event: int) -> Any:
            return cls.__name__, event

        @decorate
        @classmethod
        def over(cls, event: int) -> Any:
            return cls.__name__, event

        @decorate
        @staticmethod
        def static(event: int) -> Any:
            return event

        @property
        @decorate
        def prop(self) -> str:
            return type(self).__name__

    class Sub(Base):
        """Extend it."""

        @decorate
        def method(self, event: int) -> Any:
            return [*super().method(event), "sub"]

    base, sub = Base(), Sub()
    seen = [base.method(1), sub.method(2), Base.method(sub, 3), Sub.under(4), sub.over(5), sub.static(6), sub.prop]
    bound = base.method
    return [
        *seen,
        bound.__self__ is base,
        bound == base.method,
        inspect.ismethod(bound),
        inspect.signature(bound),
        outcome(bound),
        inspect.signature(Base.method),
        Base.method.__get__(base, Base)(7),
        bound.__func__ is Base.method,
    ]


@case
def what_is_no_function_becomes_no_method(decorate: Decorate) -> Any:
    """Put a partial, an object and a builtin into a class: they get no `self`."""

    class Called:
        def __call__(self, *args: Any) -> int:
            return len(args)

    class Holder:
        partial = decorate(functools.partial(lambda *args: len(args), 0))
        called = decorate(Called())
        builtin = decorate(len)
        cached = decorate(functools.lru_cache(lambda *args: len(args)))

    holder = Holder()
    with warnings.catch_warnings(record=True) as caught:  # newer Pythons tell what will change
        warnings.simplefilter("always")
        partial = holder.partial(1)
    return [
        partial,
        [str(each.message) for each in caught],
        holder.called(1, 2),
        holder.builtin("four"),
        holder.cached(1),
    ]


@case
def a_descriptor_is_told_its_name(decorate: Decorate) -> Any:
    """Put an object into a class that asks for the name it gets there."""

    class Named:
        name = ""

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __call__(self) -> str:
            return self.name

    class Holder:
        handler = decorate(Named())

    return Holder.handler()


@case
def a_bound_method(decorate: Decorate) -> Any:
    """Decorate what is bound already."""

    class Handlers:
        def handle(self, event: int) -> Any:
            return event

    handlers = Handlers()
    bound = decorate(handlers.handle)
    return [bound(1), bound.__self__ is handlers, bound.__func__ is Handlers.handle, inspected(bound)]


@case
def a_partial(decorate: Decorate) -> Any:
    """Decorate a partial, also of a coroutine function."""

    async def later(mark: int, event: int) -> int:
        return mark + event

    partial = decorate(functools.partial(pow, 2))
    handler = decorate(functools.partial(later, 1))
    return [
        partial(3),
        partial.func,
        partial.args,
        partial.keywords,
        isinstance(partial, functools.partial),
        driven(handler(2)),
        inspect.iscoroutinefunction(handler),
        repr(partial),
        functools.partial(partial, 3)(),
    ]


@case
def a_cached_function(decorate: Decorate) -> Any:
    """Decorate what caches, and ask its cache."""
    calls: list[int] = []

    @decorate
    @functools.lru_cache
    def handler(event: int) -> int:
        calls.append(event)
        return event * 2

    seen = [handler(1), handler(1), calls, handler.cache_info(), handler.cache_parameters()]
    handler.cache_clear()
    return [*seen, handler.cache_info(), inspect.signature(handler), handler.__wrapped__ is not None]


@case
def a_callable_object(decorate: Decorate) -> Any:
    """Decorate an object: its class, attributes and operators are its own."""

    class Handler:
        """Count, and be a container and a context manager."""

        kind = "counting"

        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, event: int, context: object = None) -> int:
            self.calls += 1
            return event

        def __len__(self) -> int:
            return self.calls

        def __getitem__(self, index: int) -> int:
            return index

        def __contains__(self, item: int) -> bool:
            return item == 1

        def __eq__(self, other: object) -> bool:
            return other == "equal"

        __hash__ = None  # type: ignore[assignment]

        def __enter__(self) -> Handler:
            return self

        def __exit__(self, *_: object) -> None:
            self.calls = 100

        def __add__(self, other: int) -> int:
            return self.calls + other

        def __radd__(self, other: int) -> int:
            return self.calls - other

        def __bool__(self) -> bool:
            return False

        def __format__(self, spec: str) -> str:
            return f"formatted {spec}"

        def __repr__(self) -> str:
            return "<the handler>"

    handler = decorate(Handler())
    seen = [handler(1), handler(event=2), len(handler), handler[5], 1 in handler, handler == "equal", handler.kind]
    with handler as entered:
        seen += [entered is handler, entered(3)]
    handler.calls += 1
    seen += [handler + 1, 1 + handler, bool(handler), f"{handler:x}", repr(handler), str(handler), vars(handler)]
    seen += [isinstance(handler, Handler), isinstance(handler, collections.abc.Hashable), outcome(hash, handler)[0]]
    return [*seen, inspected(handler), copy.copy(handler).calls, list(itertools.islice(handler, 2))]


@case
def an_object_with_an_async_call(decorate: Decorate) -> Any:
    """Decorate an object as an ASGI application is one; look at its `__call__` as servers do."""

    class Application:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> str:
            return "served"

    handler = decorate(Application())
    call = handler.__call__
    return [
        inspected(handler),
        inspect.iscoroutinefunction(call),
        driven(handler({}, 1, 2)),
        driven(call({}, 1, 2)),
        outcome(handler),
    ]


@case
def an_object_with_slots_and_properties(decorate: Decorate) -> Any:
    """Decorate an object without a dict, with a property that refuses."""

    class Handler:
        __slots__ = ("value",)

        def __call__(self) -> int:
            return 1

        @property
        def fixed(self) -> int:
            return 2

    handler = decorate(Handler())
    handler.value = 3
    return [
        handler(),
        handler.fixed,
        handler.value,
        outcome(setattr, handler, "other", 1)[0],
        hasattr(handler, "__dict__"),
    ]


@case
def builtins_and_classes_of_c(decorate: Decorate) -> Any:
    """Decorate what is written in C."""
    pick = decorate(__import__("operator").itemgetter(1))
    return [
        decorate(len)("four"),
        decorate("a-b".split)("-"),
        pick("ab"),
        outcome(decorate(len)),
        decorate(len).__name__,
    ]


@case
def an_enum_member_that_is_called(decorate: Decorate) -> Any:
    """Decorate an object whose class guards its members."""

    class Actions(enum.Enum):
        SWAP = 1

        def __call__(self) -> int:
            return self.value

    handler = decorate(Actions.SWAP)
    return [handler(), handler.name, handler in Actions, isinstance(handler, Actions)]


# -- coroutines --------------------------------------------------------------------------------------------------------


@case
def a_coroutine(decorate: Decorate) -> Any:
    """Look at what a coroutine function returns, and drive it by hand."""

    @types.coroutine
    def pause(value: int) -> Any:
        return (yield value)

    @decorate
    async def handler(event: int) -> int:
        return int(await pause(event)) + 1

    coroutine = handler(1)
    seen = [type(coroutine), coroutine.__name__, coroutine.__qualname__, inspect.iscoroutine(coroutine)]
    seen += [coroutine.send(None), outcome(coroutine.send, 5), outcome(coroutine.send, None)]
    thrown = handler(2)
    thrown.send(None)
    closed = handler(3)
    closed.send(None)
    return [*seen, outcome(thrown.throw, LookupError("thrown")), closed.close(), outcome(closed.send, None)]


@case
def a_coroutine_that_nobody_awaits(decorate: Decorate) -> Any:
    """Drop a coroutine before its first step: Python warns of it once, by its name."""

    @decorate
    async def handler() -> None: ...

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        handler()
        handler().close()
        gc.collect()
    return [str(each.message) for each in caught]


@case
def a_generator_based_coroutine(decorate: Decorate) -> Any:
    """Await what `types.coroutine` makes."""

    @decorate
    @types.coroutine
    def handler(event: int) -> Any:
        yield from asyncio.sleep(0).__await__()
        return event

    return [driven(handler(1)), inspect.isawaitable(handler(2)), type(handler(3)), outcome(handler), inspected(handler)]


@case
def a_marked_function(decorate: Decorate) -> Any:
    """Mark a plain function as a coroutine function: it still runs when it is called."""
    log: list[str] = []

    async def later() -> str:
        log.append("awaited")
        return "value"

    def handler() -> Any:
        log.append("called")
        return later()

    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(handler)
    decorated = decorate(handler)
    coroutine = decorated()
    before = list(log)
    return [before, driven(coroutine), log, inspect.iscoroutinefunction(decorated)]


@case
def a_future_and_a_task(decorate: Decorate) -> Any:
    """Return what the event loop runs already."""

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        future.set_result(1)
        task = asyncio.ensure_future(asyncio.sleep(0, 2))
        handler = decorate(lambda what: what)
        return [handler(future) is future, handler(task) is task, await handler(future), await handler(task)]

    return asyncio.run(main())


@case
def what_can_be_awaited_and_entered(decorate: Decorate) -> Any:
    """Return what clients of HTTP and databases return: a coroutine that is a context manager, too."""

    class Request:
        """Be a coroutine, as ABCs have it."""

        url = "/swap"

        def __init__(self) -> None:
            self._coroutine = asyncio.sleep(0, "response")

        def send(self, value: Any) -> Any:
            return self._coroutine.send(value)

        def throw(self, *error: Any) -> Any:
            return self._coroutine.throw(*error)

        def close(self) -> None:
            self._coroutine.close()

        def __await__(self) -> Any:
            return self._coroutine.__await__()

        async def __aenter__(self) -> Any:
            return await self

        async def __aexit__(self, *_: object) -> None: ...

    handler = decorate(lambda: Request())

    async def main() -> Any:
        async with handler() as entered:
            return [entered, await handler(), handler().url]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the last one, which nobody awaits
        return [asyncio.run(main()), gc.collect() >= 0]


@case
def cancellation(decorate: Decorate) -> Any:
    """Cancel a handler that cleans up."""
    log: list[str] = []

    @decorate
    async def handler() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError as error:
            log.append(f"cancelled {error.args}")
            raise
        finally:
            log.append("cleaned")

    async def main() -> Any:
        task = asyncio.ensure_future(handler())
        await asyncio.sleep(0)
        task.cancel("enough")
        return await asyncio.wait([task]), task.cancelled(), log

    _, cancelled, seen = asyncio.run(main())
    return cancelled, seen


# -- generators --------------------------------------------------------------------------------------------------------


def talkative(decorate: Decorate) -> Any:
    """Return a generator function that answers whatever is done to it."""

    @decorate
    def handler(stop: str = "return") -> Any:
        said: Any = "ready"
        while said != "stop":
            try:
                said = yield said
            except GeneratorExit:
                if stop == "return":
                    return "closed"
                if stop == "yield":
                    said = "not yet"
                else:
                    raise
            except LookupError as error:
                said = str(error)
        return "over"

    return handler


@case
def a_generator(decorate: Decorate) -> Any:
    """Send, throw, and end."""
    handler = talkative(decorate)
    stream = handler()
    seen = [type(stream), stream.__name__, stream.__qualname__, inspect.getgeneratorstate(stream), next(stream)]
    seen += [stream.send("one"), stream.throw(LookupError("two")), outcome(stream.send, "stop"), outcome(next, stream)]
    return [*seen, inspect.getgeneratorstate(stream), isinstance(stream, collections.abc.Generator)]


@case
def a_generator_is_closed(decorate: Decorate) -> Any:
    """Close generators that return, go on, or raise; also before they have begun, and twice."""
    handler = talkative(decorate)
    seen: list[Any] = []
    for stop in ("return", "yield", "raise"):
        stream = handler(stop)
        seen += [next(stream), outcome(stream.close), outcome(stream.send, "stop")]
    fresh = handler()
    return [*seen, fresh.close(), outcome(next, fresh), fresh.close()]


@case
def generator_exit_is_thrown(decorate: Decorate) -> Any:
    """Throw GeneratorExit, which is not the same as closing."""
    handler = talkative(decorate)
    seen: list[Any] = []
    for stop in ("return", "yield", "raise"):
        stream = handler(stop)
        seen += [next(stream), outcome(stream.throw, GeneratorExit("mine")), outcome(stream.send, "stop")]
    return seen


@case
def an_async_generator(decorate: Decorate) -> Any:
    """Send, throw, close, and throw GeneratorExit."""

    @decorate
    async def handler(stop: str = "raise") -> Any:
        said: Any = "ready"
        while said != "stop":
            try:
                said = yield said
            except GeneratorExit:
                if stop == "return":
                    return
                if stop == "yield":
                    said = "not yet"
                else:
                    raise
            except LookupError as error:
                said = str(error)

    async def tried(awaitable: Any) -> Any:
        try:
            return await awaitable
        except BaseException as error:  # noqa: BLE001 -- it is compared
            return type(error), str(error)

    async def main() -> Any:
        stream = handler()
        seen = [type(stream), stream.__name__, await anext(stream), await stream.asend("one")]
        seen += [await stream.athrow(LookupError("two")), await tried(stream.asend("stop"))]
        for stop in ("return", "yield", "raise"):
            stream = handler(stop)
            seen += [await anext(stream), await tried(stream.athrow(GeneratorExit("mine")))]
            seen += [await tried(stream.asend("stop"))]
            stream = handler(stop)
            seen += [await anext(stream), await tried(stream.aclose()), await tried(stream.asend("stop"))]
        fresh = handler()
        return [*seen, await fresh.aclose(), await tried(anext(fresh))]

    return asyncio.run(main())


@case
def a_generator_in_a_with_statement(decorate: Decorate) -> Any:
    """Make a context manager of a generator, as tests' fixtures and FastAPI's dependencies are."""
    log: list[str] = []

    @decorate
    def handler() -> Iterator[str]:
        log.append("begun")
        try:
            yield "value"
        except LookupError as error:
            log.append(str(error))
        finally:
            log.append("ended")

    with contextlib.contextmanager(handler)() as value:
        log.append(value)
        raise LookupError("inside")
    return log


@case
def an_abandoned_stream_is_freed(decorate: Decorate) -> Any:
    """Drop a stream that its own argument refers to, in the middle: it ends, and all of it is freed."""
    log: list[str] = []

    class Request:
        stream: Any

    def generator(request: Request) -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            log.append("ended")

    @decorate
    def returning(request: Request) -> Any:
        return generator(request)

    @decorate
    def mapping(request: Request) -> Any:
        return map(lambda _: request, [1, 2])  # noqa: C417 -- an iterator that is no generator

    freed: list[bool] = []
    for handler in (decorate(generator), returning, mapping):
        request = Request()
        reference = weakref.ref(request)
        request.stream = handler(request)
        next(request.stream)
        del request
        gc.collect()
        freed.append(reference() is None)
    return freed, log


@case
def a_finished_stream_is_freed_at_once(decorate: Decorate) -> Any:
    """End streams in each way: what they were called with is freed without the garbage collector."""

    class Request:
        """Can be referred to weakly."""

    @decorate
    def handler(request: Request) -> Iterator[Request]:
        yield request

    def dropped(stream: Any) -> None:
        next(stream)

    def closed(stream: Any) -> None:
        next(stream)
        stream.close()

    freed: list[bool] = []
    gc.disable()
    try:
        for use in (list, dropped, closed, lambda stream: None):
            request = Request()
            reference = weakref.ref(request)
            use(handler(request))
            del request
            freed.append(reference() is None)
    finally:
        gc.enable()
    return freed


@case
def a_part_is_freed_when_the_next_is_made(decorate: Decorate) -> Any:
    """A part that was handed on is not kept."""

    class Part:
        """Can be referred to weakly."""

    freed: list[bool] = []

    @decorate
    def handler() -> Any:
        part: Any = Part()
        reference = weakref.ref(part)
        yield part
        del part
        freed.append(reference() is None)
        yield None

    for _ in handler():
        del _
    return freed


@case
def an_exception_thrown_in_passes(decorate: Decorate) -> Any:
    """Throw into generators what they do not catch: its traceback ends where they stood."""

    @decorate
    def generator() -> Any:
        yield 1

    @decorate
    async def async_generator() -> Any:
        yield 1

    async def main() -> Any:
        stream = async_generator()
        await anext(stream)
        try:
            await stream.athrow(LookupError("thrown"))
        except LookupError as error:
            return error.__traceback__

    stream = generator()
    next(stream)
    seen = [asyncio.run(main())]
    try:
        stream.throw(LookupError("thrown"))
    except LookupError as error:
        seen.append(error.__traceback__)
    return [traceback.extract_tb(steps)[-1].name for steps in seen]


@case
def the_loop_ends_before_an_async_generator(decorate: Decorate) -> Any:
    """Leave asynchronous generators in the middle when the event loop ends: it closes each once."""
    log: list[Any] = []

    @decorate
    async def handler() -> Any:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0.01)
            log.append("ended")

    streams = [handler() for _ in range(4)]

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: log.append(context))
        for stream in streams:
            await anext(stream)

    asyncio.run(main())
    return log


# -- what is returned --------------------------------------------------------------------------------------------------


class Rows:
    """An iterator that is a container and a context manager, as a database's cursor is."""

    def __init__(self, *rows: int) -> None:
        self.rows = list(rows)
        self.log: list[str] = []

    def __iter__(self) -> Rows:
        return self

    def __next__(self) -> int:
        if not self.rows:
            raise StopIteration
        return self.rows.pop(0)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> int:
        return self.rows[index]

    def __enter__(self) -> Rows:
        self.log.append("entered")
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append("left")

    def close(self) -> str:
        """Close, with an answer."""
        self.log.append("closed")
        return "closed"

    def __copy__(self) -> Rows:
        return Rows(*self.rows)


@case
def an_iterator_is_returned(decorate: Decorate) -> Any:
    """Enter, count, index, copy, iterate and close what was returned."""
    handler = decorate(lambda: Rows(1, 2, 3))
    rows = handler()
    seen = [len(rows), rows[1], isinstance(rows, Rows), rows.__class__ is Rows, iter(rows) is rows, next(rows)]
    seen += [list(copy.copy(rows)), list(copy.deepcopy(rows)), bool(rows), rows.rows]
    with rows as entered:
        seen += [entered is rows, list(entered)]
    return [
        *seen,
        rows.close(),
        rows.log,
        outcome(next, rows),
        list(handler()),
        isinstance(rows, collections.abc.Sized),
    ]


@case
def iterators_of_c_are_returned(decorate: Decorate) -> Any:
    """Iterate, copy and look at what the standard library makes."""
    handler = decorate(lambda what: what)
    count = handler(itertools.count(5))
    chain = handler(itertools.chain("ab", "cd"))
    seen = [next(count), repr(count), next(chain), list(chain), dict(handler(zip("ab", [1, 2], strict=True)))]
    hint = handler(iter([1, 2, 3]))
    return [*seen, hint.__length_hint__(), next(hint), hint.__length_hint__(), hasattr(hint, "close"), sum(hint)]


@case
def an_iterator_makes_itself(decorate: Decorate) -> Any:
    """Decorate the method that an iterator is asked for itself by."""

    class Count:
        asked = 0

        @decorate
        def __iter__(self) -> Any:
            self.asked += 1
            return self

        def __next__(self) -> int:
            if self.asked > 3:
                raise StopIteration
            return self.asked

        @decorate
        def __aiter__(self) -> Any:
            self.asked += 1
            return self

        async def __anext__(self) -> int:
            self.asked += 1
            if self.asked > 3:
                raise StopAsyncIteration
            return self.asked

    async def main() -> Any:
        return [part async for part in Count()]

    count = Count()
    return list(itertools.islice(count, 2)), count.asked, asyncio.run(main())


@case
def files_are_returned(decorate: Decorate) -> Any:
    """Return a file, and what a server recognises as one."""
    handler = decorate(lambda what: what)
    file = io.BytesIO(b"bytes")
    wrapper = FileWrapper(io.BytesIO(b"wrapped"))
    wrapped = handler(wrapper)
    return handler(file) is file, isinstance(wrapped, FileWrapper), b"".join(wrapped), hasattr(wrapped, "close")


@case
def an_async_iterator_is_returned(decorate: Decorate) -> Any:
    """Iterate, enter and close an asynchronous stream."""

    class Stream:
        def __init__(self) -> None:
            self.left = [1, 2, 3]
            self.log: list[str] = []

        def __aiter__(self) -> Stream:
            return self

        async def __anext__(self) -> int:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop(0)

        async def __aenter__(self) -> Stream:
            self.log.append("entered")
            return self

        async def __aexit__(self, *_: object) -> bool:
            self.log.append("left")
            return True

        async def aclose(self) -> str:
            self.log.append("closed")
            return "closed"

    async def main() -> Any:
        stream = decorate(lambda: Stream())()
        async with stream as entered:
            seen = [entered is stream, await anext(stream), [part async for part in stream], isinstance(stream, Stream)]
            raise LookupError("which it takes")
        return [*seen, await stream.aclose(), stream.log]

    return asyncio.run(main())


@case
def an_iterator_raises(decorate: Decorate) -> Any:
    """Raise in the middle of a returned iterator, and go on, as one may with one that is no generator."""

    class Bumpy(Rows):
        def __next__(self) -> int:
            row = super().__next__()
            if row == 2:
                raise LookupError("a bump")
            return row

    rows = decorate(lambda: Bumpy(1, 2, 3))()
    return [outcome(next, rows) for _ in range(4)]


# -- web applications --------------------------------------------------------------------------------------------------


@case
def start_response_is_called_in_every_way(decorate: Decorate) -> Any:
    """Give status, headers and exc_info by position and by name; and what a server refuses."""
    seen: list[Any] = []

    def server(status: str, response_headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if type(status) is not str:
            raise TypeError("status must be text")
        seen.append([status, response_headers, exc_info])
        return seen.append

    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (("200 OK", [("A", "1")]), {}),
        (("200 OK",), {"response_headers": []}),
        ((), {"status": "200 OK", "response_headers": [], "exc_info": None}),
        (("500 No", [], (None, None, None)), {}),
        ((b"200 OK", []), {}),
        ((), {}),
        (("200 OK", [], None, 4), {}),
        (("200 OK", []), {"reason": "none"}),
        ((None, None), {}),
    ]

    @decorate
    def app(environ: Any, start_response: Any) -> Any:
        results = [outcome(start_response, *args, **kwargs) for args, kwargs in calls]
        seen.append([each for each in results if isinstance(each, tuple)])
        start_response("200 OK", [])(b"written")
        return [b"done"]

    environ = {"wsgi.version": (1, 0), "REQUEST_METHOD": "GET"}
    by_name = [app(environ=environ, start_response=server), app(environ, start_response=server)]
    return [seen, by_name, app(environ, server)]


@case
def a_wsgi_body_of_any_kind(decorate: Decorate) -> Any:
    """Return each kind of body to a server, that iterates and closes it."""
    log: list[str] = []

    def generator() -> Iterator[bytes]:
        try:
            yield b"one"
        finally:
            log.append("ended")

    class Body:
        """Be no iterator."""

        def __iter__(self) -> Iterator[bytes]:
            return iter([b"two"])

        def __len__(self) -> int:
            return 1

        def close(self) -> None:
            log.append("closed")

    seen: list[Any] = []
    for make in (generator, Body, lambda: [b"three"], lambda: iter((b"four",)), lambda: FileWrapper(io.BytesIO(b"5"))):
        app = decorate(lambda environ, start_response, make=make: (start_response("200 OK", []), make())[1])
        body = app({"wsgi.version": (1, 0)}, lambda status, headers: None)
        seen += [b"".join(body), hasattr(body, "__len__"), body.__class__.__name__]
        getattr(body, "close", lambda: None)()
    return seen, log


@case
def asgi_by_position_and_by_name(decorate: Decorate) -> Any:
    """Serve a connection that a server hands over in each way."""
    scope = {"type": "http", "method": "GET"}

    async def receive() -> Any:
        return {"type": "http.request"}

    def run(call: Callable[[Any, Any], Any]) -> Any:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message["type"])

        @decorate
        async def app(scope: Any, receive: Any, send: Any) -> str:
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send(message={"type": "http.response.body"})
            return "value"

        return driven(call(app, send)), sent

    return [
        run(lambda app, send: app(scope, receive, send)),
        run(lambda app, send: app(scope=scope, receive=receive, send=send)),
        run(lambda app, send: app(scope, receive, send=send)),
        run(lambda app, send: app(scope, send=send, receive=receive)),
    ]


@case
def what_is_called_as_asgi_is(decorate: Decorate) -> Any:
    """Call handlers with what a server calls applications with: each runs when it would, and returns what it would."""
    log: list[str] = []

    @decorate
    def plain(event: Any, resolve: Any, reject: Any) -> Any:
        return resolve(event)

    @decorate
    def returning(scope: Any, receive: Any, send: Any) -> Any:
        log.append("called")

        async def served() -> str:
            log.append("awaited")
            return "value"

        return served()

    @decorate
    async def coroutine(scope: Any, receive: Any, send: Any) -> None: ...

    @decorate
    async def wrong(scope: Any) -> None: ...

    arguments = ({"type": "http"}, len, len)
    later = returning(*arguments)
    log.append("between")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        coroutine(*arguments)
        gc.collect()
    return [plain(*arguments), driven(later), log, outcome(wrong, *arguments), [str(each.message) for each in caught]]


# -- frameworks that look at a function --------------------------------------------------------------------------------


@case
def a_command_of_click(decorate: Decorate) -> Any:
    """Decorate below and above `click.command`."""
    click = pytest.importorskip("click")
    testing = pytest.importorskip("click.testing")

    @click.command()
    @click.option("--count", default=1)
    @decorate
    def below(count: int) -> None:
        """Count."""
        click.echo(f"below {count}")

    @decorate
    @click.command(name="above")
    @click.argument("count", type=int)
    def above(count: int) -> None:
        """Count."""
        click.echo(f"above {count}")

    group = click.Group(commands=[below, above])
    run = testing.CliRunner().invoke
    commands = (["below", "--count", "2"], ["above", "3"], ["above", "x"], ["--help"], ["below", "--help"])
    return [run(group, command).output for command in commands] + [isinstance(above, click.Command), below.help]


@case
def dependencies_of_fastapi(decorate: Decorate) -> Any:
    """Decorate a route and dependencies of every kind."""
    fastapi = pytest.importorskip("fastapi", reason="a tool of development")
    log: list[str] = []

    def plain(number: int) -> int:
        return number

    async def later(number: int) -> int:
        return number * 10

    def generator() -> Iterator[int]:
        yield 100
        log.append("generator ended")

    async def async_generator() -> Any:
        yield 1_000
        log.append("async generator ended")

    class Called:
        async def __call__(self, number: int) -> int:
            return number * 10_000

    needs = [fastapi.Depends(decorate(each)) for each in (plain, later, generator, async_generator, Called())]

    async def route(
        one: int = needs[0], two: int = needs[1], three: int = needs[2], four: int = needs[3], five: int = needs[4]
    ) -> int:
        return one + two + three + four + five

    app = fastapi.FastAPI()
    app.get("/")(decorate(route))
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message.get("status") or message.get("body"))

    def get(query: bytes) -> None:
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": query, "headers": []}
        asyncio.run(app({**scope, "http_version": "1.1", "scheme": "http", "root_path": ""}, receive, send))

    get(b"number=3")
    get(b"number=x")
    return sent, log, app.openapi()["paths"]
