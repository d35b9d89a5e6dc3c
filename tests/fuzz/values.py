"""Strategies for the values that callers pass: ordinary, exotic, huge, deep, cyclic, strange.

They draw makers of values, not values: some are consumed by whoever reads them, and others Hypothesis itself would
trip over.
"""

from __future__ import annotations

import array
import contextlib
import enum
import fractions
import os
import re
import types
from collections import OrderedDict, UserDict
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.fuzz.bases import ADDRESS, UUID, Entries
from tests.fuzz.strange import strange_objects

if TYPE_CHECKING:
    from collections.abc import Iterator

SOLANA_ADDRESS = "FDKJvWcJNe6wecbgDYDFPCfgs14aJnVsUfWQRYWLn4Tn"


Maker = Callable[[], Any]


def made(value: Any) -> Maker:
    """Return the maker of a value that can be shared."""
    return lambda: value


class Colour(enum.Enum):
    """An enumeration whose values have no form of their own in JSON."""

    RED = 1 + 2j
    BLUE = "blue"


class Level(enum.IntEnum):
    """An enumeration of numbers."""

    HIGH = 2**60


def _generator() -> Iterator[int]:
    yield 1


def _cycle() -> list[Any]:
    ring: list[Any] = [1]
    ring.append({"again": (ring,)})
    return ring


def _deep(levels: int) -> Any:
    value: Any = []
    for level in range(levels):
        value = [value] if level % 2 else {"k": value}
    return value


def _laughs(levels: int) -> list[Any]:
    """Return a few lists that become 10**levels values once they are written out."""
    value: list[Any] = ["ha"]
    for _ in range(levels):
        value = [value] * 10
    return value


def _released() -> memoryview:
    view = memoryview(b"gone")
    view.release()
    return view


_MADE: tuple[Maker, ...] = (
    _generator, _cycle, _released, object, lambda: iter([1]), lambda: map(str, [1]),
    lambda: zip("ab", "cd", strict=True),
    lambda: _deep(150), lambda: _deep(201), lambda: _deep(3_000), lambda: _laughs(4), lambda: _laughs(30),
    lambda: "x" * 500_000, lambda: [0] * 500_001, lambda: range(10**12), lambda: "x" * 489_000, lambda: b"\0" * 250_000,
    lambda: 10**5_000, lambda: -(10**400), lambda: fractions.Fraction(1, 3), lambda: 1j,
    lambda: array.array("d", [1.0]),
    lambda: memoryview(array.array("i", range(6)))[::2], lambda: PurePosixPath("a/\udcff"), lambda: Colour.RED,
    lambda: Colour.BLUE, lambda: Level.HIGH, lambda: Ellipsis, lambda: NotImplemented, lambda: int, lambda: re,
    lambda: re.compile("a"), lambda: print, lambda: (lambda *_, **__: None), lambda: types.SimpleNamespace(a=1),
    lambda: types.MappingProxyType({"k": 1}), lambda: ValueError("text"), lambda: os.environ, {}.items, {1: 2}.keys,
    {1: 2}.values,
)  # fmt: skip

_WORDS = (
    "", " ", "\t", "\0", "\ud800", "x\udc00", "0x", "0x" + "0" * 40, "0x" + "0" * 64, "0x" + "f" * 64, "1e999", "nan",
    "-0", "1_0", "\u0661", "1" * 5_000, "usd", "confirmed", "started", "requested", "send", "discard", "raise", "log",
    ADDRESS, ADDRESS.upper(), SOLANA_ADDRESS, "1" * 32, UUID, UUID.upper(), "{" + UUID + "}", "https://formo.example",
    "http://[::1", "https://a:99999", "https://[v1.x]/", "http://127.0.0.1:1", "https://\ud800",
)  # fmt: skip

TEXTS = st.sampled_from(_WORDS) | st.text(st.characters(codec=None), max_size=40)

NUMBERS = st.one_of(
    st.integers(),
    st.integers(-5, 100),
    st.floats(),
    st.floats(0, 1),
    st.decimals(),
    st.sampled_from([2**53, 2**64, 2**256, 900_001, 1_700_000_000, 1e300, 1e15, float("inf"), -0.0]),
)

_SCALARS = st.one_of(
    st.one_of(
        st.none(),
        st.booleans(),
        TEXTS,
        NUMBERS,
        st.datetimes(),
        st.datetimes(timezones=st.timezones()),
        st.dates(),
        st.times(),
        st.timedeltas(),
        st.uuids(),
        st.binary(max_size=20),
    ).map(made),
    st.binary(max_size=20).map(lambda data: lambda: bytearray(data)),
    st.sampled_from(_MADE),
    strange_objects(),
)

_KEYS = st.one_of(
    st.one_of(
        TEXTS,
        st.sampled_from(["revenue", "currency", "volume", "points", "chain_id", "status", "to", "function_args"]),
        st.integers(-2, 2),
        st.floats(),
        st.none() | st.booleans(),
    ).map(made),
    strange_objects(str, int, float, tuple),
)


def _dicts(values: st.SearchStrategy[Maker]) -> st.SearchStrategy[Maker]:
    return st.lists(st.tuples(_KEYS, values), max_size=4).map(lambda entries: lambda: _dict(entries))


def _dict(entries: list[tuple[Maker, Maker]]) -> dict[Any, Any]:
    """Return a dict of all entries whose key can be one."""
    members: dict[Any, Any] = {}
    for key, value in entries:
        with contextlib.suppress(Exception):
            members[key()] = value()
    return members


#: Anything at all.
ANYTHING: st.SearchStrategy[Maker] = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda makers: lambda: [make() for make in makers]),
        st.lists(inner, max_size=3).map(lambda makers: lambda: tuple(make() for make in makers)),
        _dicts(inner),
    ),
    max_leaves=8,
)

#: What properties and context most often are: dicts of anything, and what is like a dict.
ENTRIES = st.one_of(_dicts(ANYTHING), _dicts(ANYTHING), ANYTHING, strange_objects(dict, OrderedDict, UserDict, Entries))

#: What options most often are: words and numbers, and what passes for them.
OPTIONS = st.one_of(TEXTS.map(made), NUMBERS.map(made), ANYTHING, strange_objects(str, int, float, object))
