"""Copy the caller's values into plain JSON values that keep their worth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from formo_lambda.constants import MAX_EVENT_BYTES
from formo_lambda.errors import ValidationError
from formo_lambda.events.convert import MAX_SAFE_INTEGER, RefusedError, as_dict, name_of, simplify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: Containers within containers, below the outermost; a list or a dict deeper than this is refused.
MAX_DEPTH = 200

_TOO_DEEP = f"is nested more than {MAX_DEPTH} levels deep"
_TOO_LARGE = f"is too large: an event may have {MAX_EVENT_BYTES} bytes"
_WORD_KEYS = {True: "true", False: "false", None: "null"}
_INFINITY = float("inf")
_SCALARS = frozenset({int, float, bool, type(None)})


def copy_value(field: str, value: object, json_default: Callable[[object], object] | None) -> Any:
    """Return a copy of `value` made of dict, list, str, int, float, bool and None, fit for strict JSON.

    Args:
        field: The argument's name, which the path in an error begins with.
        value: Anything; it is read, never changed.
        json_default: Called for an object that no rule covers; returns one that a rule covers.

    Raises:
        ValidationError: Something in it cannot be sent; the error names the path to it.
    """
    try:
        return _copy(_Walk(json_default), value, 0)
    except RefusedError as refused:
        path, reason = _explained(refused)
        raise ValidationError(field + path, reason) from refused.__cause__
    except RecursionError:
        raise ValidationError(field, "is nested too deeply for the call stack that is left") from None
    except Exception as error:
        # Classes are looked up in a table, and a metaclass can make a class that cannot be.
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
    """What one walk through a value carries along: the user's hook, and the bytes an event has left at the most."""

    __slots__ = ("json_default", "room")

    def __init__(self, json_default: Callable[[object], object] | None) -> None:
        self.json_default = json_default
        # Values that share parts can be exponentially larger on the wire than in memory: stop before copying all that.
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
    """Copy a dict, a list or a tuple, in one frame a level, so that MAX_DEPTH levels fit into a usual stack."""
    if depth > MAX_DEPTH:
        raise RefusedError(_TOO_DEEP)
    copied, members, size = _snapshot(value)
    room = walk.room - size
    if room < 0:
        raise RefusedError(_TOO_LARGE)
    place: Any = None
    try:
        # Members stay but for those that have to be exchanged: two thirds of the time it takes to build all anew.
        for place, member in members:
            kind = type(member)
            if kind is str:
                room -= len(member)
            elif kind not in _SCALARS:
                walk.room = room
                # As in _copy, but without its frame.
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
    """Return a shallow copy with text for keys, its members by their places, and the bytes that it takes at least.

    It is taken in one step of the interpreter: another thread may be changing the container.
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
    plainer = simplify(value, walk.json_default)
    try:
        return _BY_TYPE[type(plainer)](walk, plainer, depth)
    except RefusedError as refused:
        if refused.trail:
            # A cycle leads back to the caller's object, never to what was made of it.
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
    """Return a key that is not exactly a string as `json.dumps` would write it."""
    if key is None or key is True or key is False:
        return _WORD_KEYS[key]
    # The type, not isinstance: that would also ask the key's own __class__.
    kind = type(key)
    if issubclass(kind, str):
        return str.__str__(key)  # pyright: ignore[reportArgumentType] # likewise
    if issubclass(kind, int):
        return _digits(int.__pos__(key))  # type: ignore[arg-type]
    if issubclass(kind, float):
        return json.dumps(float.__pos__(key))  # type: ignore[arg-type]
    raise RefusedError("has a key that is neither a string nor a number, a boolean or None")


def _explained(refused: RefusedError) -> tuple[str, str]:
    """Return the path to what was refused, and why; for a cycle, the path to where it closes."""
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
    # Escaped, since a path may end up in a log; and cut, since a key can be anything.
    return f"[{json.dumps(place[:40])}]"
