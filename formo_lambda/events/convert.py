"""Convert a value of a richer type into a plain one, which means the same in JSON."""

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
from formo_lambda.signals import raised_by_signal_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

#: The largest whole number that JavaScript, which reads these events, can represent exactly.
MAX_SAFE_INTEGER = 2**53 - 1

#: The types that JSON has a form for. Everything else is converted until it is of one of them.
PLAIN_TYPES = frozenset({str, int, float, bool, type(None), dict, list, tuple})

#: The most digits that Python converts to an int unless told otherwise.
_MAX_DIGITS = 4300

#: Most conversions of one value, one after another: a hook may return its own argument.
_MAX_STEPS = 20

_UNKNOWN: Any = object()

#: Return the name of a class without calling its metaclass, which may be the user's and raise.
name_of: Callable[[type], str] = type.__dict__["__name__"].__get__


class RefusedError(Exception):
    """A value cannot be sent.

    Args:
        reason: The rule that was broken; never the value.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        #: The path to the value, innermost step first: a key or an index, and the id() of its container.
        self.trail: list[tuple[str | int, int]] = []


def convert(value: object, json_default: Callable[[object], object] | None) -> Any:
    """Return a value of one of `PLAIN_TYPES` that means the same as `value`.

    Raises:
        RefusedError: There is none, or the value's own code raised.
        Exception: A signal handler raised it.
    """
    original = name_of(type(value))
    handled = sys.exc_info()[1]
    try:
        for _ in range(_MAX_STEPS):
            value = _one_step(value, json_default)
            if type(value) in PLAIN_TYPES:
                return value
    except RefusedError:
        raise
    except Exception as error:
        if raised_by_signal_handler(error, handled):
            raise
        raise _raised(original, error) from error
    raise RefusedError(_no_form(original))


def is_instance(value: object, module: str, name: str) -> bool:
    """Return whether `value` is an instance of `module.name`, without importing the module.

    If the module is not loaded, there can be no such instance.
    """
    cls = getattr(sys.modules.get(module), name, None)
    return isinstance(cls, type) and isinstance(value, cls)


def iso_datetime(value: datetime) -> str:
    """Return a datetime as text; a naive one is UTC. Digits beyond the millisecond are cut off.

    Raises:
        OverflowError: In UTC it lies before year 1 or after year 9999.
    """
    offset = value.utcoffset()
    utc = value if offset is None else value.replace(tzinfo=None) - offset
    day = f"{utc.year:04d}-{utc.month:02d}-{utc.day:02d}"
    return f"{day}T{utc.hour:02d}:{utc.minute:02d}:{utc.second:02d}.{utc.microsecond // 1000:03d}Z"


def as_dict(value: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the members of a mapping.

    Raises:
        RefusedError: Its own code raised.
        Exception: A signal handler raised it.
    """
    handled = sys.exc_info()[1]
    try:
        return dict(_bounded(value.items()))
    except RefusedError:
        raise
    except Exception as error:
        if raised_by_signal_handler(error, handled):
            raise
        raise _raised(name_of(type(value)), error) from error


def _one_step(value: object, json_default: Callable[[object], object] | None) -> Any:
    for rule in _RULES:
        converted = rule(value)
        if converted is not _UNKNOWN:
            return converted
    if json_default is None:
        raise RefusedError(_no_form(name_of(type(value))))
    handled = sys.exc_info()[1]
    try:
        return json_default(value)
    except Exception as error:
        if raised_by_signal_handler(error, handled):
            raise
        reason = f"could not be converted: json_default raised {name_of(type(error))} for a {name_of(type(value))}"
        raise RefusedError(reason) from error


def _raised(type_name: str, error: Exception) -> RefusedError:
    return RefusedError(f"could not be read: its type, {type_name}, raised {name_of(type(error))}")


def _no_form(type_name: str) -> str:
    return f"has no JSON form (its type is {type_name}); convert it, or give the client a json_default"


def _scalar(value: Any) -> Any:
    """Convert enum members and subclasses of the plain scalars, without calling the methods of the subclass."""
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
    """Convert what has keys to a dict, and other finite collections to a list."""
    if isinstance(value, tuple) and hasattr(type(value), "_fields"):
        return dict(zip(_bounded(value._fields), _bounded(value), strict=True))  # type: ignore[attr-defined]
    if isinstance(value, Mapping):
        return as_dict(value)
    if isinstance(value, (list, tuple, deque, AbstractSet, ValuesView, range)):
        _check_size(len(value))
        return _bounded(value)
    return _UNKNOWN


def _library_type(value: Any) -> Any:
    """Convert types of the standard library whose modules this package does not import."""
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    for module, name, converter in _LIBRARY_TYPES:
        if is_instance(value, module, name):
            return converter(value)
    return _UNKNOWN


def _decimal(value: Any) -> Any:
    if not value.is_finite():
        return None
    if value != value.to_integral_value():
        return _nearest(value)
    if value.adjusted() >= _MAX_DIGITS:
        raise RefusedError("has more digits than Python converts")
    return int(value)


def _fraction(value: Any) -> int | float:
    return int(value) if value.denominator == 1 else _nearest(value)


def _nearest(value: Any) -> float:
    """Return the double that is nearest to a number that is not whole."""
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if abs(number) == float("inf"):
        raise RefusedError("is a fraction that is too large for a JSON number")
    return number


def _record(value: Any) -> Any:
    """Convert objects with declared fields: dataclasses, pydantic models (of version 2, then 1), attrs classes."""
    kind = type(value)
    if hasattr(kind, "__dataclass_fields__"):
        from dataclasses import fields  # noqa: PLC0415 -- loaded, since the value exists

        return {field.name: getattr(value, field.name) for field in fields(value)}
    if hasattr(kind, "__pydantic_validator__"):
        return value.model_dump()
    if hasattr(kind, "__fields__") and hasattr(kind, "__validators__"):
        return value.dict()
    if hasattr(kind, "__attrs_attrs__"):
        return {field.name: getattr(value, field.name) for field in kind.__attrs_attrs__}
    return _UNKNOWN


def from_array(value: Any) -> Any:
    """Convert scalars and arrays of numpy, and types that behave like them; a time to a datetime."""
    kind = type(value)
    if not (hasattr(kind, "dtype") and hasattr(kind, "tolist")):
        return _UNKNOWN
    if isinstance(getattr(value, "size", None), int):
        _check_size(value.size)
    if getattr(value.dtype, "kind", "") in ("m", "M"):
        # tolist() turns times in nanoseconds, which pandas has, into bare integers.
        value = value.astype(f"{value.dtype.kind}8[us]")
    plain = value.tolist()
    # tolist() returns a long double unchanged.
    return float(plain) if type(plain) is kind else plain


def _bounded(elements: Iterable[Any]) -> list[Any]:
    """Return all elements of what may have a wrong length, or no end."""
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
    # What is whole becomes an int, which is sent as digits beyond MAX_SAFE_INTEGER; what is not, the nearest double.
    ("decimal", "Decimal", _decimal),
    ("fractions", "Fraction", _fraction),
    ("uuid", "UUID", str),
)

_RULES: tuple[Callable[[Any], Any], ...] = (_scalar, _collection, _library_type, _record, from_array)
