"""An object in the place of another: like it in everything but in a few of its methods.

A function in a handler's place differs from it in whatever nobody thought of copying: its defaults, what it does with
wrong arguments, the class and the attributes of a callable object. A proxy copies nothing; it asks the object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Special methods that are not forwarded: those that make an instance or a class; those of attributes, which a proxy
#: does its own way; and the end, which the object has itself.
_KEPT = frozenset(
    {
        *("__class_getitem__", "__init__", "__init_subclass__", "__new__", "__subclasshook__"),
        *("__class__", "__delattr__", "__getattr__", "__getattribute__", "__setattr__"),
        "__del__",
    }
)


class Proxy:
    """What all proxies are. Their own attributes are read by `proxied` and `state_of` alone."""

    __slots__ = ("__weakref__", "_proxied", "_state")


proxied: Callable[[Any], Any] = vars(Proxy)["_proxied"].__get__
state_of: Callable[[Any], Any] = vars(Proxy)["_state"].__get__
_set_proxied: Callable[[Any, Any], None] = vars(Proxy)["_proxied"].__set__
_set_state: Callable[[Any, Any], None] = vars(Proxy)["_state"].__set__


def proxy_class(
    kind: type, methods: Mapping[str, Any], attributes: Mapping[str, Callable[[Any], Any]] | None = None
) -> type[Proxy]:
    """Return the class of the proxies of objects of one kind.

    Args:
        kind: The class of the objects.
        methods: What the proxies do themselves.
        attributes: What is computed for those who ask the proxy for an attribute, of which the proxy is the argument.
    """
    computed = attributes or {}

    def __getattribute__(self: Any, name: str) -> Any:  # noqa: N807 -- it becomes the class's
        if name in computed:
            return computed[name](self)
        return object.__getattribute__(self, name) if name in methods else getattr(proxied(self), name)

    members: dict[str, Any] = {
        "__slots__": (),
        "__getattribute__": __getattribute__,
        "__setattr__": lambda self, name, value: setattr(proxied(self), name, value),
        "__delattr__": lambda self, name: delattr(proxied(self), name),
    }
    for base in reversed(kind.__mro__):
        for name, special in vars(base).items():
            if name.startswith("__") and name.endswith("__") and name not in _KEPT:
                if special is None:  # as `__hash__` of what has none
                    members[name] = None
                elif callable(special):
                    members[name] = _forwarded_async(name) if name == "__aenter__" else _forwarded(name)
    return type(kind.__name__, (Proxy,), {**members, **methods})


def proxy_of(thing: Any, proxies: type[Proxy], state: Any = None) -> Any:
    """Return a proxy.

    Args:
        thing: The object whose place it takes.
        proxies: A class that `proxy_class` made for objects of its kind.
        state: What the methods of that class get from `state_of`.
    """
    proxy = proxies()
    _set_proxied(proxy, thing)
    _set_state(proxy, state)
    return proxy


def _forwarded(name: str) -> Callable[..., Any]:
    def method(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        thing = proxied(self)
        result = getattr(type(thing), name)(thing, *args, **kwargs)
        # An iterator iterates itself, and what is entered is most often what `with` stands for.
        return self if result is thing else result

    return method


def _forwarded_async(name: str) -> Callable[..., Any]:
    forward = _forwarded(name)

    async def method(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        result = await forward(self, *args, **kwargs)
        return self if result is proxied(self) else result

    return method
