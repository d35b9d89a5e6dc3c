"""What others iterate, within an invocation: each step belongs to it, and the flush comes before the end.

A ContextVar that is set in a generator's first step leaks into whoever iterates it, and its token cannot be reset
from another context. So the invocation is entered and left around every single step.
"""

from __future__ import annotations

import contextvars
import gc
import sys
import weakref
from types import AsyncGeneratorType, GeneratorType
from typing import TYPE_CHECKING, Any

from formo_lambda.handlers.proxies import Proxy, proxy_class, proxy_of, state_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from types import FrameType

    from formo_lambda.handlers.responses import Body, Progress
    from formo_lambda.invocation.invocation import Invocation


def wrap_body(body: Body, invocation: Invocation, *, is_result: bool) -> Any:
    """Return what is to be iterated in a body's place.

    Args:
        body: The body.
        invocation: The invocation of the handler that returned it.
        is_result: Whether the body is what the handler returned, not a part of that. Then a generator stays one.
    """
    if is_result and type(body.parts) is GeneratorType:
        return delegate([body.parts], lambda: invocation)
    if type(body.parts) is AsyncGeneratorType:
        return delegate_async([body.parts], lambda: invocation, body)
    return stream_of(body.parts, Stream(body.parts, invocation, body), closes=not is_result)


class Stream:
    """The iteration of a body, asynchronous or not: each step within an invocation, which ends with the last.

    Args:
        parts: The body.
        invocation: The invocation.
        progress: The response that these are the parts of: the part that completes it is handed on after a flush.
        stays_open: Whether the invocation goes on at the end of the iteration, until the body is closed.
    """

    def __init__(self, parts: Any, invocation: Invocation, progress: Progress, *, stays_open: bool = False) -> None:
        self._parts = parts
        self._invocation = invocation
        self._progress = progress
        self._stays_open = stays_open
        # What is an iterator is not asked for one: the method that answers may be the handler.
        is_iterator = hasattr(type(parts), "__next__") or hasattr(type(parts), "__anext__")
        self._iterator: Any = parts if is_iterator else None

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        return self._step(self._next)

    def send(self, *arguments: Any) -> Any:
        """Send a value to the body, and return its next part."""
        return self._step(self._parts.send, *arguments)

    def throw(self, *arguments: Any) -> Any:
        """Raise an exception in the body, and return its next part."""
        return self._step(self._parts.throw, *arguments)

    def close(self) -> Any:
        """Close the body, if it can be closed, and end the invocation."""
        return self._last(getattr(self._parts, "close", _do_nothing))

    def leave(self, *arguments: Any) -> Any:
        """Leave the body as a context manager, and end the invocation."""
        return self._last(self._parts.__exit__, *arguments)

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Any:
        return await self._step_async(self._next_async)

    async def asend(self, *arguments: Any) -> Any:
        """Send a value to the body, and return its next part."""
        return await self._step_async(self._parts.asend, *arguments)

    async def athrow(self, *arguments: Any) -> Any:
        """Raise an exception in the body, and return its next part."""
        return await self._step_async(self._parts.athrow, *arguments)

    async def aclose(self) -> Any:
        """Close the body, if it can be closed, and end the invocation."""
        return await self._last_async(getattr(self._parts, "aclose", _do_nothing_async))

    async def leave_async(self, *arguments: Any) -> Any:
        """Leave the body as a context manager, and end the invocation."""
        return await self._last_async(self._parts.__aexit__, *arguments)

    def _next(self) -> Any:
        if self._iterator is None:
            self._iterator = iter(self._parts)
        return next(self._iterator)

    def _step(self, take: Callable[..., Any], *arguments: Any) -> Any:
        try:
            with self._invocation.step():
                part = take(*arguments)
        except StopIteration:
            if self._stays_open:
                self._invocation.flush()
            else:
                self._invocation.close()
            raise
        except BaseException as error:
            self._invocation.close(error)
            raise
        if self._progress.take(part):
            self._invocation.flush(failed=self._progress.failed)
        return part

    def _last(self, end: Callable[..., Any], *arguments: Any) -> Any:
        try:
            with self._invocation.step():
                result = end(*arguments)
        except BaseException as error:
            self._invocation.close(error)
            raise
        self._invocation.close()
        return result

    async def _next_async(self) -> Any:
        if self._iterator is None:
            self._iterator = aiter(self._parts)
        return await anext(self._iterator)

    async def _step_async(self, take: Callable[..., Any], *arguments: Any) -> Any:
        try:
            with self._invocation.step():
                part = await take(*arguments)
        except StopAsyncIteration:
            await self._invocation.close_async()
            raise
        except BaseException as error:
            await self._invocation.close_async(error)
            raise
        if self._progress.take(part):
            await self._invocation.flush_async(failed=self._progress.failed)
        return part

    async def _last_async(self, end: Callable[..., Any], *arguments: Any) -> Any:
        try:
            with self._invocation.step():
                result = await end(*arguments)
        except BaseException as error:
            await self._invocation.close_async(error)
            raise
        await self._invocation.close_async()
        return result


def _do_nothing() -> None:
    """Close what cannot be closed."""


async def _do_nothing_async() -> None:
    """Close what cannot be closed."""


#: What a stream does in a body's place, where the body can do it.
_METHODS: dict[str, Callable[..., Any]] = {
    "__next__": Stream.__next__,
    "send": Stream.send,
    "throw": Stream.throw,
    "close": Stream.close,
    "__exit__": Stream.leave,
    "__anext__": Stream.__anext__,
    "asend": Stream.asend,
    "athrow": Stream.athrow,
    "aclose": Stream.aclose,
    "__aexit__": Stream.leave_async,
}
_classes: weakref.WeakKeyDictionary[type, dict[bool, type[Proxy]]] = weakref.WeakKeyDictionary()


def stream_of(parts: Any, stream: Stream, *, closes: bool) -> Any:
    """Return an object in a body's place that iterates it as a stream, and is otherwise like it.

    Args:
        parts: The body.
        stream: Its iteration.
        closes: Whether it can be closed even if the body cannot.
    """
    kind = type(parts)
    classes = _classes.setdefault(kind, {})
    if closes not in classes:
        methods = {name: _of_stream(method) for name, method in _METHODS.items() if hasattr(kind, name)}
        if closes:
            close = "aclose" if hasattr(kind, "__aiter__") else "close"
            methods.setdefault(close, _of_stream(_METHODS[close]))
        # Of what is no iterator itself, the stream is one.
        for begin, step in (("__iter__", "__next__"), ("__aiter__", "__anext__")):
            if hasattr(kind, begin) and not hasattr(kind, step):
                methods[begin] = lambda self: state_of(self)  # noqa: PLW0108 -- a function becomes a method
        classes[closes] = proxy_class(kind, methods)
    return proxy_of(parts, classes[closes], stream)


def _of_stream(method: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *arguments: method(state_of(self), *arguments)


class _Mark:
    """An object that only the frame of a generator holds."""


class Holder:
    """Tells a generator whether GeneratorExit means that somebody closes it, or that nobody holds it any more.

    A generator that is collected, by whatever thread comes along, must not wait there. It cannot name itself, but
    weak references with a callback end before anything that is collected runs.

    Args:
        frame: The frame of the generator, at its first step.
    """

    def __init__(self, frame: FrameType) -> None:
        self._frame = frame
        generator = getattr(frame, "f_generator", None)  # from Python 3.14 on
        self._mark = _Mark() if generator is None else None
        self._alive = weakref.ref(generator or self._mark, lambda _: None)

    def is_gone(self) -> bool:
        """Whether nobody holds the generator any more."""
        if self._alive() is None:
            return True
        if self._mark is None:
            return False
        for holder in gc.get_referrers(self._frame):
            if type(holder) is GeneratorType and holder.gi_frame is self._frame:
                # Beside the three references here, one: that of the interpreter, while it takes it apart.
                return sys.getrefcount(holder) <= _LAST_REFERENCES
        return True  # It is in the hands of the garbage collector.


#: The list of holders, the variable, the argument, and the interpreter.
_LAST_REFERENCES = 4


def delegate(made: list[Any], start: Callable[[], Invocation]) -> Generator[Any, Any, Any]:
    """Delegate to a generator as `yield from` does, each step within an invocation.

    Args:
        made: Holds the generator, before the first step.
        start: Called at the first step; returns the invocation.
    """
    holder = Holder(sys._getframe())  # noqa: SLF001 -- its own
    inner = made.pop()
    invocation = start()
    value = sent = None
    thrown: list[BaseException] = []  # popped when it is thrown on, because its traceback holds this frame
    try:
        while True:
            try:
                with invocation.step():
                    value = inner.throw(thrown.pop()) if thrown else inner.send(sent)
            except StopIteration as stop:
                invocation.close()
                return stop.value
            try:
                sent = yield value
            except BaseException as error:
                if isinstance(error, GeneratorExit) and holder.is_gone():
                    # Collected, on any thread and in the middle of anything: nobody is to wait here. In a context
                    # of its own, because Python up to 3.11 crashes where a variable is set while it is being set.
                    contextvars.copy_context().run(_close_within, inner, invocation)
                    invocation.hand_over()
                    raise
                thrown.append(_as_it_came(error))  # whatever is thrown in is the inner generator's
            value = None
    except BaseException as error:
        invocation.close(error)
        raise
    finally:
        del holder  # It and this frame hold each other, and with that the handler's arguments.


def _as_it_came(error: BaseException) -> BaseException:
    """Return what was thrown in without the step of its traceback that was added here, which would become its end."""
    return error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)


def _close_within(inner: Generator[Any, Any, Any], invocation: Invocation) -> None:
    with invocation.step():
        inner.close()


async def delegate_async(
    made: list[Any], start: Callable[[], Invocation], progress: Progress | None = None
) -> AsyncGenerator[Any, Any]:
    """Delegate to an asynchronous generator, each step within an invocation.

    Args:
        made: Holds the generator, before the first step.
        start: Called at the first step; returns the invocation.
        progress: The response that these are the parts of: the part that completes it is handed on after a flush.
    """
    inner = made.pop()
    invocation = start()
    value = sent = None
    thrown: list[BaseException] = []  # popped when it is thrown on, because its traceback holds this frame
    try:
        steps = [_first_step(inner)]  # popped for the same reason
        while True:
            try:
                with invocation.step():
                    value = await steps.pop()
            except StopAsyncIteration:
                await invocation.close_async()
                return
            if progress is not None and progress.take(value):
                await invocation.flush_async(failed=progress.failed)
            try:
                sent = yield value
            except BaseException as error:  # noqa: BLE001 -- whatever is thrown in is the inner generator's
                thrown.append(_as_it_came(error))
            value = None
            steps.append(inner.athrow(thrown.pop()) if thrown else inner.asend(sent))
    except GeneratorExit:
        await invocation.close_async()
        raise
    except BaseException as error:
        await invocation.close_async(error)
        raise


def _first_step(generator: AsyncGenerator[Any, Any]) -> Any:
    """Return the first step of an asynchronous generator that the event loop is not told of.

    At its end a loop closes all that it knows of at once, and this one is closed by the generator around it.
    """
    first, _ = sys.get_asyncgen_hooks()
    try:
        sys.set_asyncgen_hooks(firstiter=None)
        return generator.asend(None)
    finally:
        sys.set_asyncgen_hooks(firstiter=first)
