"""Looks at values without running any code of theirs: they may raise, lie, or count who asks."""

from __future__ import annotations

from collections import deque
from itertools import islice
from types import GeneratorType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Members of one container that are looked at: the largest ones here repeat one member.
_MEMBERS = 1_000

_SCALARS = (str, bytes, int, float, complex, bool, type(None))


def described(value: object, depth: int = 3) -> str:
    """Return a short text that tells a reader of a failure what was passed."""
    kind = type(value)
    if any(kind is scalar for scalar in _SCALARS):
        return _cut(value)
    name: str = type.__getattribute__(kind, "__name__")
    if issubclass(kind, (list, tuple, set, frozenset, deque, dict)) and depth > 0:
        shown = [described(member, depth - 1) for member in islice(_members(value), 8)]
        return f"{_recipe(kind) or name}({', '.join(shown)}{', ...' if _length(value) > len(shown) else ''})"
    return _recipe(kind) or f"<{name}>"


def fingerprint(values: Iterable[object]) -> list[object]:
    """Return what tells whether any of these values, or anything in them, was changed or consumed."""
    prints: list[object] = []
    seen: set[int] = set()
    waiting = deque(values)
    while waiting:
        value = waiting.popleft()
        if id(value) in seen:
            continue
        seen.add(id(value))
        kind = type(value)
        members = list(islice(_members(value), _MEMBERS))
        prints.append((id(value), id(kind), _length(value), [id(member) for member in members]))
        if issubclass(kind, bytearray):
            prints.append(bytes(memoryview(value)))  # type: ignore[arg-type]
        if kind is GeneratorType:
            frame = value.gi_frame  # type: ignore[attr-defined]
            prints.append(None if frame is None else frame.f_lasti)
        waiting.extend(members)
    return prints


def _members(value: Any) -> Iterable[object]:
    """Return what a container holds, as its class of C says and not as a subclass pretends."""
    kind = type(value)
    for base in (list, tuple, set, frozenset, deque):
        if issubclass(kind, base):
            return base.__iter__(value)
    if issubclass(kind, dict):
        return (part for item in dict.items(value) for part in item)
    return () if _attributes(value) is None else _attributes(value).values()


def _attributes(value: Any) -> Any:
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except Exception:  # noqa: BLE001 -- there is none, or it is a property that raises
        return None
    # Classes, modules and functions have a world of their own.
    return (
        attributes if type(attributes) is dict and not issubclass(type(value), type) and len(attributes) < 50 else None
    )


def _length(value: Any) -> int:
    for base in (list, tuple, set, frozenset, deque, dict, bytearray):
        if issubclass(type(value), base):
            return base.__len__(value)
    return 0


def _recipe(kind: type) -> str | None:
    try:
        recipe: str = type.__getattribute__(kind, "recipe")
    except AttributeError:
        return None
    return recipe


def _cut(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an int of more digits than Python converts
        text = f"an int of {value.bit_length()} bits"  # type: ignore[attr-defined]
    return text if len(text) <= 120 else f"{text[:80]}... ({len(text)} characters)"
