"""The classes that strange objects are made of, each with what its constructor takes."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import OrderedDict, UserDict, UserList, UserString, deque
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any, NamedTuple

ADDRESS = "0xab5801a7d398351b8be11c439e05c5b3259aec9b"
UUID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"


class Entries(Mapping[Any, Any]):
    """A mapping that is no dict."""

    def __init__(self, entries: dict[Any, Any]) -> None:
        self._entries = entries

    def __getitem__(self, key: Any) -> Any:
        return self._entries[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class Row(Sequence[Any]):
    """A sequence that is no list."""

    def __getitem__(self, index: Any) -> Any:
        return (1, 2)[index]

    def __len__(self) -> int:
        return 2


class Elements(AbstractSet[Any]):
    """A set that is no set."""

    def __contains__(self, element: object) -> bool:
        return element == 1

    def __iter__(self) -> Iterator[Any]:
        return iter([1])

    def __len__(self) -> int:
        return 1


class Pair(NamedTuple):
    """A named tuple."""

    left: int
    right: str


BASES: tuple[tuple[type[Any], tuple[Any, ...]], ...] = (
    (object, ()),
    (str, ("text",)),
    (str, (ADDRESS,)),
    (str, (UUID,)),
    (str, ("",)),
    (int, (7,)),
    (int, (2**80,)),
    (float, (1.5,)),
    (float, ("nan",)),
    (bytes, (b"\x01",)),
    (bytearray, (b"\x01",)),
    (list, ([1, 2],)),
    (tuple, ([1, 2],)),
    (set, ([1, 2],)),
    (frozenset, ([1, 2],)),
    (deque, ([1, 2],)),
    (dict, ({"k": 1, "revenue": 2},)),
    (OrderedDict, ({"k": 1},)),
    (UserDict, ({"k": 1},)),
    (UserList, ([1],)),
    (UserString, ("text",)),
    (Entries, ({"k": 1, "currency": "eur", "revenue": 1},)),
    (Row, ()),
    (Elements, ()),
    (Pair, (1, "b")),
    (dt.datetime, (2024, 5, 17)),
    (dt.date, (2024, 5, 17)),
    (dt.time, (12, 30)),
    (dt.timedelta, (1,)),
    (dt.tzinfo, ()),
    (Decimal, ("1.5",)),
    (Fraction, (1, 2)),
    (uuid.UUID, (UUID,)),
    (PurePosixPath, ("a/b",)),
    (ValueError, ("text",)),
)
