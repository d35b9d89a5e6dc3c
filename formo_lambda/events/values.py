"""Copy the caller's values as plain JSON values, without loss of precision."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from formo_lambda.constants import MAX_EVENT_BYTES
from formo_lambda.errors import ValidationError
from formo_lambda.events.convert import MAX_SAFE_INTEGER, RefusedError, as_dict, convert, name_of
from formo_lambda.signals import raised_by_signal_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: Most levels of containers below the outermost. A list or a dict that is deeper is refused.
MAX_DEPTH = 200

_TOO_DEEP = f"is nested more than {MAX_DEPTH} levels deep"
_TOO_LARGE = f"is too large: an event may have {MAX_EVENT_BYTES} bytes"
_WORD_KEYS = {True: "true", False: "false", None: "null"}
_INFINITY = float("inf")
_SCALARS = frozenset({int, float, bool, type(None)})


def copy_value(field: str, value: object, json_default: Callable[[object], object] | None) -> Any:
    """Return a copy of `value` made of dict, list, str, int, float, bool and None, valid in strict JSON.

    Args:
        field: The argument's name, with which the path in an error begins.
        value: Anything; it is not changed.
        json_default: Called for an object that cannot be converted; returns one that can.

    Raises:
        ValidationError: Something in it cannot be sent; the error names the path to it.
        Exception: A signal handler raised it.
    """
    handled = sys.exc_info()[1]
    try:
        return _copy(_Walk(json_default), value, 0)
    except RefusedError as refused:
        path, reason = _explained(refused)
        raise ValidationError(field + path, reason) from refused.__cause__
    except RecursionError:
        raise ValidationError(field, "is nested too deeply for the call stack that is left") from None
    except Exception as error:
        if raised_by_signal_handler(error, handled):
            raise
        # A metaclass can make its classes unhashable, and so break the look-up by type.
        raise ValidationError(field, f"could not be read: a value's class raised {name_of(type(error))}") from error


def read_mapping(field: str, value: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the members of a mapping that is not a dict, as they are.

    Raises:
        ValidationError: Its own code raised.
    """
    try:
        return as_dict(value)
    except RefusedError as refused:
        raise ValidationError(field, refused.reason) from refused.__cause__


class _Walk:
    """The state of one copy: the user's hook, and the most bytes that the event may still get."""

    __slots__ = ("json_default", "room")

    def __init__(self, json_default: Callable[[object], object] | None) -> None:
        self.json_default = json_default
        # A value whose parts are shared can be exponentially larger in JSON than in memory: stop before it is copied.
        self.room = MAX_EVENT_BYTES


def _copy(walk: _Walk, value: Any, depth: int) -> Any:
    return _BY_TYPE.get(type(value), _copy_other)(walk, value, depth)


def _copy_as_it_is(_: _Walk, value: Any, __: int) -> Any:
    return value


def _copy_str(walk: _Walk, value: str, _: int) -> str:
    walk.room -= len(value)
    return value


def _copy_int(_: _Walk, value: int, __: int) -> int | str:
    return value if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else _digits(value)


def _copy_float(_: _Walk, value: float, __: int) -> float | None:
    return value if -_INFINITY < value < _INFINITY else None


def _copy_container(walk: _Walk, value: Any, depth: int) -> Any:
    """Copy a dict, a list or a tuple. One frame for each level, so that MAX_DEPTH levels fit into the usual stack."""
    if depth > MAX_DEPTH:
        raise RefusedError(_TOO_DEEP)
    copied, members, size = _snapshot(value)
    room = walk.room - size
    if room < 0:
        raise RefusedError(_TOO_LARGE)
    place: Any = None
    try:
        # Replace only members that change: two thirds of the time of building a new container.
        for place, member in members:
            kind = type(member)
            if kind is str:
                room -= len(member)
            elif kind not in _SCALARS:
                walk.room = room
                # As in _copy, without another frame.
                copied[place] = _BY_TYPE.get(kind, _copy_other)(walk, member, depth + 1)
                room = walk.room
            elif kind is float and not -_INFINITY < member < _INFINITY:
                copied[place] = None
            elif kind is int and not -MAX_SAFE_INTEGER <= member <= MAX_SAFE_INTEGER:
                copied[place] = _digits(member)
    except RefusedError as refused:
        refused.trail.append((place, id(value)))
        raise
    walk.room = room
    if room < 0:
        raise RefusedError(_TOO_LARGE)
    return copied


def _snapshot(value: Any) -> tuple[Any, Iterable[tuple[Any, Any]], int]:
    """Return a shallow copy with strings for keys, its members with key or index, and the fewest bytes it can take.

    The copy is one step of the interpreter, since another thread may be changing the container.
    """
    if type(value) is not dict:
        items = list(value)
        return items, enumerate(items), len(items)
    members = value.copy()
    size = len(members)
    for key in members:
        if type(key) is not str:
            break
        size += len(key)
    else:
        return members, members.items(), size
    named = {key if type(key) is str else _key(key): member for key, member in members.items()}
    if len(named) != len(members):
        raise RefusedError("has two keys that are the same in JSON")
    return named, named.items(), sum(map(len, named)) + len(named)


def _copy_other(walk: _Walk, value: Any, depth: int) -> Any:
    converted = convert(value, walk.json_default)
    try:
        return _BY_TYPE[type(converted)](walk, converted, depth)
    except RefusedError as refused:
        if refused.trail:
            # A cycle refers to the caller's object, never to the converted one.
            refused.trail[-1] = (refused.trail[-1][0], id(value))
        raise


_BY_TYPE: Mapping[type, Callable[[_Walk, Any, int], Any]] = {
    str: _copy_str,
    int: _copy_int,
    float: _copy_float,
    bool: _copy_as_it_is,
    type(None): _copy_as_it_is,
    dict: _copy_container,
    list: _copy_container,
    tuple: _copy_container,
}


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:
        raise RefusedError("has more digits than Python converts") from None


def _key(key: object) -> str:
    """Return a key that is no plain `str` as `json.dumps` would write it."""
    if key is None or key is True or key is False:
        return _WORD_KEYS[key]
    # isinstance would also read the key's own __class__.
    kind = type(key)
    if issubclass(kind, str):
        return str.__str__(key)  # pyright: ignore[reportArgumentType] # likewise
    if issubclass(kind, int):
        return _digits(int.__pos__(key))  # type: ignore[arg-type]
    if issubclass(kind, float):
        return json.dumps(float.__pos__(key))  # type: ignore[arg-type]
    raise RefusedError("has a key that is neither a string nor a number, a boolean or None")


def _explained(refused: RefusedError) -> tuple[str, str]:
    """Return the path to what was refused, and the reason; for a cycle, the path to where it begins again."""
    trail = refused.trail[::-1]
    if refused.reason == _TOO_DEEP:
        seen = set()
        for length, (_, identity) in enumerate(trail):
            if identity in seen:
                return _path(trail[:length]), "refers back to a container it is in"
            seen.add(identity)
    return _path(trail), refused.reason


def _path(trail: list[tuple[str | int, int]]) -> str:
    steps = [_step(place) for place, _ in trail]
    if len(steps) > 12:
        steps[8:-3] = ["..."]
    return "".join(steps)


def _step(place: str | int) -> str:
    if isinstance(place, int):
        return f"[{place}]"
    if place.isascii() and place.isidentifier() and len(place) <= 40:
        return f".{place}"
    # Escaped for logs, and shortened, since a key may be any text.
    return f"[{json.dumps(place[:40])}]"
