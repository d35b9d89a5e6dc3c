"""What each type of value becomes on the wire."""

from __future__ import annotations

import collections
import dataclasses
import math
import sys
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal, localcontext
from enum import Enum, IntEnum, IntFlag
from fractions import Fraction
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from tests.events.building import built, refusal, tracked

BIG = 2**53
UINT256 = 2**256 - 1
TOKYO = timezone(timedelta(hours=9))


class Side(Enum):
    """An enumeration of strings."""

    BUY = "buy"


class Level(IntEnum):
    """An enumeration of integers."""

    GOLD = 3


class Right(IntFlag):
    """An enumeration of bits."""

    READ = 1
    WRITE = 2


class Mood(str, Enum):
    """An enumeration whose members are strings."""

    GOOD = "good"


class Pair(NamedTuple):
    """A record with names."""

    base: str
    quote: Any


@dataclasses.dataclass
class Order:
    """A record with types."""

    amount: object
    tags: list[str] = dataclasses.field(default_factory=list)
    secret: dataclasses.InitVar[int] = 0


class Flag(int):
    """An integer whose own methods must not be asked."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


CONVERSIONS = {
    "none": (None, None),
    "true": (True, True),
    "text": ("caf\u00e9", "caf\u00e9"),
    "largest safe integer": (BIG - 1, BIG - 1),
    "first unsafe integer": (BIG, str(BIG)),
    "smallest safe integer": (1 - BIG, 1 - BIG),
    "first unsafe negative": (-BIG, str(-BIG)),
    "uint256": (UINT256, str(UINT256)),
    "integer subclass": (Flag(7), 7),
    "float": (0.1, 0.1),
    "nan": (math.nan, None),
    "infinity": ([math.inf, -math.inf], [None, None]),
    "decimal that is a float": (Decimal("0.1"), 0.1),
    "decimal that is whole": (Decimal("1.50E+3"), 1500),
    "decimal with more digits": (Decimal("0.12345678901234567890"), 0.12345678901234568),
    "decimal with more digits before the point": (Decimal("12345678901234567890.5"), 12345678901234567890.5),
    "decimal beyond a double's digits": (Decimal(25_000 * 10**18), "25000000000000000000000"),
    "decimal that became whole": (Decimal("1.5") * 10**18, "1500000000000000000"),
    "fraction": (Fraction(1, 3), 1 / 3),
    "fraction that is whole": (Fraction(2**80, 2), str(2**79)),
    "decimal uint256": (Decimal(UINT256), str(UINT256)),
    "decimal out of range": (Decimal("1e400"), "1" + "0" * 400),
    "decimal too small": (Decimal("1e-400"), 0.0),
    "decimal nan": ([Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")], [None, None, None]),
    "aware datetime": (datetime(2026, 1, 2, 12, 4, 5, 678_999, TOKYO), "2026-01-02T03:04:05.678Z"),
    "naive datetime": (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05.000Z"),  # noqa: DTZ001 -- it is about them
    "ancient datetime": (datetime(1, 1, 1, tzinfo=timezone.utc), "0001-01-01T00:00:00.000Z"),
    "date": (date(2026, 1, 2), "2026-01-02"),
    "time": (time(3, 4, 5), "03:04:05"),
    "timedelta": (timedelta(minutes=1, milliseconds=500), 60.5),
    "uuid": (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    "path": (PurePosixPath("/tmp/x"), "/tmp/x"),
    "bytes": (b"\x00\xff", "0x00ff"),
    "bytearray": (bytearray(b"\x01"), "0x01"),
    "memoryview": (memoryview(b"\x02"), "0x02"),
    "enum": (Side.BUY, "buy"),
    "int enum": (Level.GOLD, 3),
    "flags": (Right.READ | Right.WRITE, 3),
    "string enum": (Mood.GOOD, "good"),
    "tuple": ((1, (2,)), [1, [2]]),
    "set": ({5}, [5]),
    "frozenset": (frozenset({5}), [5]),
    "deque": (collections.deque([1, 2]), [1, 2]),
    "range": (range(3), [0, 1, 2]),
    "keys": ({"a": 1}.keys(), ["a"]),
    "values": ({"a": 1}.values(), [1]),
    "ordered dict": (collections.OrderedDict(a=1), {"a": 1}),
    "counter": (collections.Counter("aab"), {"a": 2, "b": 1}),
    "mapping proxy": (MappingProxyType({"a": Decimal(1)}), {"a": 1}),
    "named tuple": (Pair("ETH", Pair("USDC", None)), {"base": "ETH", "quote": {"base": "USDC", "quote": None}}),
    "dataclass": (Order(UINT256, ["x"]), {"amount": str(UINT256), "tags": ["x"]}),
}


@pytest.mark.parametrize(("value", "sent"), CONVERSIONS.values(), ids=CONVERSIONS)
def test_conversions(value: object, sent: object) -> None:
    """A value keeps its worth, in properties and context, at the top and deep inside."""
    event = built("track", event="Swap", properties={"v": value, "in": [{"v": value}]}, context={"v": value})
    assert event["properties"] == {"v": sent, "in": [{"v": sent}]}
    assert event["context"]["v"] == sent
    assert type(event["properties"]["v"]) is type(sent)


UNKNOWN = {
    "object": object(),
    "class": int,
    "function": len,
    "complex": 1j,
    "generator": (i for i in range(3)),
    "exception": ValueError("secret"),
    "dataclass itself": Order,
    "module": sys,
}


@pytest.mark.parametrize("value", UNKNOWN.values(), ids=UNKNOWN)
def test_what_has_no_form_is_refused(value: object) -> None:
    """Anything else is refused with its path, its type and the remedy, never its content."""
    refused = refusal("track", event="Swap", properties={"items": [0, {"price": value}]})
    assert refused.field == "properties.items[1].price"
    assert refused.reason == (
        f"has no JSON form (its type is {type(value).__name__}); convert it, or give the client a json_default"
    )


def test_a_generator_is_not_consumed() -> None:
    """Reading a generator would take from the caller what it yields, so it is left alone."""
    generator = (i for i in range(3))
    refusal("track", event="Swap", properties={"v": generator})
    assert list(generator) == [0, 1, 2]


def test_decimals_do_not_depend_on_the_context() -> None:
    """The caller's decimal context, precision and traps, has no influence."""
    with localcontext() as context:
        context.prec = 2
        for signal in context.traps:
            context.traps[signal] = True
        sent = tracked({"a": Decimal("0.1234567890123456789"), "b": Decimal("1.25"), "c": Decimal("sNaN")})
    assert sent == {"a": 0.12345678901234568, "b": 1.25, "c": None}


@pytest.mark.parametrize("number", [Decimal("1e5000"), Decimal("-1e999999"), Fraction(10**400, 3)], ids=repr)
def test_what_no_number_can_hold_is_refused(number: object) -> None:
    """More digits than Python converts, or a fraction beyond the largest double, is told with its path."""
    assert refusal("track", event="Swap", properties={"n": number}).field == "properties.n"


def test_an_unrepresentable_moment_is_refused() -> None:
    """A datetime that has no form in UTC is refused, not an overflow."""
    refused = refusal("track", event="Swap", properties={"at": datetime.min.replace(tzinfo=TOKYO)})
    assert (refused.field, refused.reason) == (
        "properties.at",
        "could not be read: its type, datetime, raised OverflowError",
    )


def test_an_integer_of_too_many_digits_is_refused() -> None:
    """An integer that Python will not write in decimal is refused, wherever it stands."""
    for properties in ({"v": 10**5000}, {10**5000: "v"}):
        assert refusal("track", event="Swap", properties=properties).reason == "has more digits than Python converts"


class TestJsonDefault:
    """The user's hook for objects that no rule covers."""

    def test_it_converts_what_no_rule_covers(self) -> None:
        """What the hook returns is sent, itself converted by the rules."""
        sent = tracked({"v": [1j, Decimal(1)]}, json_default=lambda value: {"re": value.real, "im": {value.imag}})
        assert sent == {"v": [{"re": 0.0, "im": [1.0]}, 1]}

    def test_it_is_not_asked_about_anything_else(self) -> None:
        """What a rule covers never reaches the hook."""
        asked: list[object] = []
        tracked({"a": Decimal(1), "b": {1}, "c": b"", "d": math.nan, "e": 2**80}, json_default=asked.append)
        assert asked == []

    def test_it_serves_the_context_too(self) -> None:
        """The hook converts values of the context as well."""
        assert built("page", context={"v": 1j}, json_default=str)["context"]["v"] == "1j"

    @pytest.mark.parametrize("error", [TypeError, KeyError, RecursionError, ZeroDivisionError])
    def test_its_errors_become_ours(self, error: type[Exception]) -> None:
        """Whatever the hook raises becomes a ValidationError for the path, with the original as its cause."""

        def fail(value: object) -> object:
            raise error(value)

        refused = refusal("track", event="Swap", properties={"v": 1j}, json_default=fail)
        assert refused.field == "properties.v"
        assert refused.reason == f"could not be converted: json_default raised {error.__name__} for a complex"
        assert isinstance(refused.__cause__, error)

    def test_it_may_return_its_argument(self) -> None:
        """A hook that gives back what it got, or wraps it for ever, ends in a refusal."""
        for endless in (lambda value: value, lambda value: [value]):
            assert refusal("track", event="Swap", properties={"v": 1j}, json_default=endless).field.startswith(
                "properties.v"
            )
