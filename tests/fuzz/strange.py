"""Makes objects whose own code raises, lies, or never ends: the worst that a caller can pass."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.fuzz.bases import BASES
from tests.fuzz.portrait import described

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What a behaviour stands for in a description, and what a method that has it does.
Behaviour = tuple[str, "Callable[..., object]"]


class SpitefulError(Exception):
    """Cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


def _raises(error: type[Exception]) -> Behaviour:
    def method(*_: object, **__: object) -> object:
        raise error

    return f"raises {error.__name__}", method


def _returns(text: str, make: Callable[[], object]) -> Behaviour:
    return f"returns {text}", lambda *_, **__: make()


ERRORS: tuple[type[Exception], ...] = (
    RuntimeError, TypeError, ValueError, AttributeError, KeyError, StopIteration, RecursionError, OSError, MemoryError,
    SpitefulError,
)  # fmt: skip

BEHAVIOURS: tuple[Behaviour, ...] = (
    *map(_raises, ERRORS),
    ("returns itself", lambda *arguments, **_: arguments[0] if arguments else None),
    _returns("None", lambda: None),
    _returns("True", lambda: True),
    _returns("-1", lambda: -1),
    _returns("2**70", lambda: 2**70),
    _returns("nan", lambda: float("nan")),
    _returns("'text'", lambda: "text"),
    _returns("('a', 'a')", lambda: ("a", "a")),
    _returns("[('a', 1), ('b', 2)]", lambda: [("a", 1), ("b", 2)]),
    _returns("endless pairs", lambda: itertools.repeat(("a", 1))),
    _returns("str", lambda: str),
    _returns("dict", lambda: dict),
    _returns("an object", object),
)

#: Methods that this package, the standard library on its behalf, or any other careless reader may call.
METHODS = (
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__", "__bool__", "__len__", "__iter__",
    "__next__", "__getitem__", "__contains__", "__str__", "__repr__", "__format__", "__int__", "__float__",
    "__index__", "__trunc__", "__pos__", "__abs__", "__getattribute__", "__getattr__", "__call__", "__fspath__",
    "__copy__", "__deepcopy__", "__reduce_ex__", "__length_hint__", "__bytes__", "__dir__", "__await__", "__aiter__",
    "keys", "items", "values", "get", "copy", "isoformat", "utcoffset", "astimezone", "replace", "timestamp",
    "total_seconds", "is_finite", "is_integer", "hex", "strip", "lower", "encode", "isascii", "isspace", "tolist",
    "astype", "model_dump", "dict", "get_remaining_time_in_millis", "send", "close", "pop_all",
)  # fmt: skip

#: Attributes by which a reader recognises something.
ATTRIBUTES = (
    "__class__", "__dict__", "_fields", "dtype", "size", "value", "__dataclass_fields__", "__pydantic_validator__",
    "__fields__", "__validators__", "__attrs_attrs__", "status", "headers", "body", "requests", "code", "method",
    "is_streamed", "direct_passthrough", "streaming_content", "body_iterator", "status_code", "_function",
)  # fmt: skip

_OF_CLASSES = [
    "__eq__",
    "__hash__",
    "__getattribute__",
    "__instancecheck__",
    "__subclasscheck__",
    "__call__",
    "__bool__",
]


def strange_object(
    base: type, arguments: tuple[Any, ...], members: Mapping[str, Behaviour], of_class: Mapping[str, Behaviour]
) -> Any:
    """Return an instance of a subclass of `base` that misbehaves.

    Args:
        base: The class it pretends to be of.
        arguments: What its constructor takes.
        members: Its misbehaving methods and attributes.
        of_class: The misbehaving methods of its class, that is, of a metaclass.
    """
    armed: list[bool] = []  # until it is, it behaves: it has to be made first
    metaclass = type("Metaclass", (type(base),), {}) if of_class else type(base)
    # These two cannot be set on a class that exists.
    namespace = {name: _attribute(members[name][1], armed) for name in ("__class__", "__dict__") if name in members}
    kind = metaclass(f"Strange{base.__name__}", (base,), namespace)
    value = kind(*arguments)
    armed.append(True)
    told = [f"{name} {text}" for name, (text, _) in members.items()]
    told += [f"class's {name} {text}" for name, (text, _) in of_class.items()]
    kind.recipe = f"<{base.__name__}{described(arguments)} whose {', '.join(told)}>"
    for name in members.keys() - namespace.keys():
        method = members[name][1]
        setattr(kind, name, _attribute(method, armed) if name in ATTRIBUTES else _plain(method))
    for name, (_, method) in of_class.items():
        setattr(metaclass, name, _plain(method))
    return value


def _attribute(method: Callable[..., object], armed: list[bool]) -> property:
    return property(lambda self: method(self) if armed else None)


def _plain(method: Callable[..., object]) -> Callable[..., object]:
    # A function of its own: what comes from elsewhere may not bind to its instance.
    return lambda *arguments, **named: method(*arguments, **named)  # noqa: PLW0108 -- see above


_OF_CLASS: st.SearchStrategy[dict[str, Behaviour]] = st.just({}) | st.dictionaries(
    st.sampled_from(_OF_CLASSES), st.sampled_from(BEHAVIOURS), max_size=2
)


@st.composite
def strange_objects(draw: st.DrawFn, *bases: type) -> Callable[[], Any]:
    """Makers of objects that misbehave, of these classes; of any, where none are named."""
    base, arguments = draw(st.sampled_from([known for known in BASES if not bases or known[0] in bases]))
    # Half of the time what its class has, which is what its reader calls.
    own = [name for name in METHODS if hasattr(base, name)]
    names = st.sampled_from(own) | st.sampled_from(METHODS + ATTRIBUTES)
    members = draw(st.dictionaries(names, st.sampled_from(BEHAVIOURS), min_size=1, max_size=4))
    of_class = draw(_OF_CLASS)
    return lambda: strange_object(base, arguments, members, of_class)
