"""Turn one value of a richer type into a plainer one, which stands for the same in JSON."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Mapping, ValuesView
from collections.abc import Set as AbstractSet
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Any

from formo_lambda.constants import MAX_EVENT_BYTES
from formo_lambda.events.loaded import is_instance
from formo_lambda.events.times import iso_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: The largest whole number that JavaScript, and so the reader of these events, can hold.
MAX_SAFE_INTEGER = 2**53 - 1

#: The types that JSON has a form for; everything else is simplified until it is one of them.
PLAIN_TYPES = frozenset({str, int, float, bool, type(None), dict, list, tuple})

#: Simplifications of one value, one into another, after which it is given up (a hook may return its own argument).
_MAX_STEPS = 20

_UNKNOWN: Any = object()

#: Returns the name of a class without asking its metaclass, which is the user's code too.
name_of: Callable[[type], str] = type.__dict__["__name__"].__get__


class RefusedError(Exception):
    """A value cannot be sent.

    Args:
        reason: The rule that was broken; never the value.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        #: The way to the value, innermost step first: a key or an index, and the identity of the container it is in.
        self.trail: list[tuple[str | int, int]] = []


def simplify(value: object, json_default: Callable[[object], object] | None) -> Any:
    """Return a value of one of `PLAIN_TYPES` that stands for `value`.

    Raises:
        RefusedError: There is none, or the value's own code raised.
    """
    original = name_of(type(value))
    try:
        for _ in range(_MAX_STEPS):
            value = _one_step(value, json_default)
            if type(value) in PLAIN_TYPES:
                return value
    except RefusedError:
        raise
    except Exception as error:
        raise _raised(original, error) from error
    raise RefusedError(_no_form(original))


def as_dict(value: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the members of a mapping.

    Raises:
        RefusedError: Its own code raised.
    """
    try:
        return dict(_bounded(value.items()))
    except RefusedError:
        raise
    except Exception as error:
        raise _raised(name_of(type(value)), error) from error


def _one_step(value: object, json_default: Callable[[object], object] | None) -> Any:
    for family in _FAMILIES:
        plainer = family(value)
        if plainer is not _UNKNOWN:
            return plainer
    if json_default is None:
        raise RefusedError(_no_form(name_of(type(value))))
    try:
        return json_default(value)
    except Exception as error:
        reason = f"could not be converted: json_default raised {name_of(type(error))} for a {name_of(type(value))}"
        raise RefusedError(reason) from error


def _raised(type_name: str, error: Exception) -> RefusedError:
    return RefusedError(f"could not be read: its type, {type_name}, raised {name_of(type(error))}")


def _no_form(type_name: str) -> str:
    return f"has no JSON form (its type is {type_name}); convert it, or give the client a json_default"


def _scalar(value: Any) -> Any:
    """Unwrap enum members and subclasses of the plain scalars, whose own methods are not asked."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__pos__(value)
    if isinstance(value, float):
        return float.__pos__(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "0x" + value.hex()
    return _UNKNOWN


def _collection(value: Any) -> Any:
    """Make a dict of whatever has keys, a list of whatever is a bounded collection."""
    if isinstance(value, tuple) and hasattr(type(value), "_fields"):
        return dict(zip(_bounded(value._fields), _bounded(value), strict=True))  # type: ignore[attr-defined]
    if isinstance(value, Mapping):
        return as_dict(value)
    if isinstance(value, (list, tuple, deque, AbstractSet, ValuesView, range)):
        _check_size(len(value))
        return _bounded(value)
    return _UNKNOWN


def _library_type(value: Any) -> Any:
    """Convert types of the standard library, most of which most programs never load."""
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    for module, name, convert in _LIBRARY_TYPES:
        if is_instance(value, module, name):
            return convert(value)
    return _UNKNOWN


def _decimal(value: Any) -> Any:
    """Return a number if nothing of the Decimal is lost by it, else a string."""
    if not value.is_finite():
        return None
    number = float(value)
    if sys.modules["decimal"].Decimal(repr(number)) != value:
        return str(value)
    return int(number) if number.is_integer() and abs(number) <= MAX_SAFE_INTEGER else number


def _record(value: Any) -> Any:
    """Open objects with declared fields: dataclasses, pydantic models (of version 2, then 1), attrs classes."""
    kind = type(value)
    if hasattr(kind, "__dataclass_fields__"):
        return {field.name: getattr(value, field.name) for field in sys.modules["dataclasses"].fields(value)}
    if hasattr(kind, "__pydantic_validator__"):
        return value.model_dump()
    if hasattr(kind, "__fields__") and hasattr(kind, "__validators__"):
        return value.dict()
    if hasattr(kind, "__attrs_attrs__"):
        return {field.name: getattr(value, field.name) for field in kind.__attrs_attrs__}
    return _UNKNOWN


def _array(value: Any) -> Any:
    """Open scalars and arrays of numpy, and what behaves like them."""
    kind = type(value)
    if not (hasattr(kind, "dtype") and hasattr(kind, "tolist")):
        return _UNKNOWN
    if isinstance(getattr(value, "size", None), int):
        _check_size(value.size)
    if getattr(value.dtype, "kind", "") in ("m", "M"):
        # In nanoseconds, as pandas has them, they would come out as bare integers.
        value = value.astype(f"{value.dtype.kind}8[us]")
    plain = value.tolist()
    # A long double comes back as itself.
    return float(plain) if type(plain) is kind else plain


def _bounded(elements: Iterable[Any]) -> list[Any]:
    """Return all elements of what may not tell the truth about its length, or never end."""
    taken = list(islice(elements, MAX_EVENT_BYTES + 1))
    _check_size(len(taken))
    return taken


def _check_size(length: int) -> None:
    if length > MAX_EVENT_BYTES:
        raise RefusedError(f"has too many elements: an event may have {MAX_EVENT_BYTES} bytes")


_LIBRARY_TYPES: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("datetime", "datetime", iso_datetime),  # before date, which it is a subclass of
    ("datetime", "date", lambda value: value.isoformat()),
    ("datetime", "time", lambda value: value.isoformat()),
    ("datetime", "timedelta", lambda value: value.total_seconds()),
    ("decimal", "Decimal", _decimal),
    ("uuid", "UUID", str),
)

_FAMILIES: tuple[Callable[[Any], Any], ...] = (_scalar, _collection, _library_type, _record, _array)
