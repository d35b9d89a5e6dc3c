"""Decorates a `BaseHTTPRequestHandler` class in place: each of its `do_` methods is an invocation."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]

C = TypeVar("C")

_PREFIX = "do_"


def decorate_class(handler: type[C], wrap: Wrap) -> type[C]:
    """Decorate the methods that answer requests, inherited ones and those that `__getattr__` finds among them.

    The class stays the same object: platforms check what it derives from, and builders read its name in the source.

    Args:
        handler: The class.
        wrap: Decorates one function.

    Raises:
        TypeError: It is no class of request handlers.
    """
    from http.server import BaseHTTPRequestHandler  # noqa: PLC0415 -- decoration pays for it, import does not

    if not issubclass(handler, BaseHTTPRequestHandler):
        raise TypeError(
            f"formo_flush decorates handlers and http.server.BaseHTTPRequestHandler classes, and {handler.__name__} is "
            "another kind of class: decorate the method that is called for each request, or an instance"
        )
    for name in dir(handler):
        if name.startswith(_PREFIX) and callable(getattr(handler, name)):
            setattr(handler, name, wrap(_function_of(handler, name)))
    find = getattr(handler, "__getattr__", None)
    if find is not None:
        setattr(handler, "__getattr__", _finder(find, wrap))  # noqa: B010 -- no type has it before
    return handler


def _function_of(handler: type[Any], name: str) -> Callable[..., Any]:
    """Return a method's function; of what is no plain function, or is inherited, one that looks it up and calls it."""
    own = vars(handler).get(name)
    if isinstance(own, FunctionType):
        return own

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        # Looked up for each call, as without us: a base class may change meanwhile.
        if own is None:
            return getattr(super(handler, self), name)(*args, **kwargs)
        bind = getattr(own, "__get__", None)
        return (bind(self, type(self)) if bind is not None else own)(*args, **kwargs)

    method.__name__ = name
    method.__qualname__ = f"{handler.__qualname__}.{name}"
    return method


def _finder(find: Callable[[Any, str], Any], wrap: Wrap) -> Callable[[Any, str], Any]:
    def __getattr__(self: Any, name: str) -> Any:  # noqa: N807 -- it becomes the class's
        found = find(self, name)
        return wrap(found) if name.startswith(_PREFIX) and callable(found) else found

    return __getattr__
