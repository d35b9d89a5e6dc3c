"""Revenue, volume and points of track events."""

from __future__ import annotations

import json
import logging
import math
from decimal import Decimal
from enum import Enum
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events.building import built_bytes, refusal, tracked

RULE = "must be a finite number, or a string of ASCII digits that is one"

NOT_NUMERIC = [
    *("", "   ", "abc", "1,000", "$5.00", "5%", "1_000", "0x10", "0b101", "0o17", "5n", "1e400", "inf", "NaN"),
    *("--5", ".", "e5", "1 2", "\u0661\u0662", "\uff11", "\x1c12", "\x8512", "12\x00", "true", "null"),
]
NO_AMOUNTS: list[object] = [
    *(True, False, math.nan, math.inf, -math.inf, 10**400),
    *(Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1e400"), Fraction(10**400, 3), 5j),
    *([], [5], (5,), {}, {"amount": 5}, b"5", int),
]


class Price(Enum):
    """Prices as an application may list them."""

    MONTHLY = 9.5


class Code(str, Enum):
    """Currencies as an application may list them."""

    EURO = "EUR"


class Prickly(str):
    """A key that raises when it is compared."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        raise RuntimeError


AMOUNTS = ["revenue", "volume", "points"]


@pytest.mark.parametrize("name", AMOUNTS)
@pytest.mark.parametrize(
    ("given_amount", "sent"),
    [
        (0, 0),
        (5, 5),
        (13.5, 13.5),
        (-0.0, 0),
        ("12", 12),
        (" 12 ", 12),
        ("\u00a012\ufeff", 12),
        ("1e3", 1000),
        ("+5", 5),
        (".5", 0.5),
        ("5.", 5),
        ("007", 7),
        ("1e-400", 0),
        (Decimal("0.1"), 0.1),
        (Fraction(1, 2), 0.5),
        (Decimal("4500.00"), 4500),
        (Decimal("12345678901234567890.1"), 12345678901234567890.1),
        (2**53 + 1, float(2**53 + 1)),
        (10**30, 1e30),
        (Price.MONTHLY, 9.5),
    ],
)
def test_amounts_are_numbers(name: str, given_amount: object, sent: float) -> None:
    """Numbers, numeric strings, Decimals and enum members go out as the number they are."""
    assert tracked({name: given_amount})[name] == sent


def test_whole_amounts_have_no_fraction_on_the_wire() -> None:
    """A numeric string that is whole goes out as an integer, and a negative zero as 0."""
    data = built_bytes("track", event="Swap", properties={"revenue": "007", "volume": "-0.0", "points": "1e3"})
    assert b'"properties":{"revenue":7,"volume":0,"points":1000,"currency":"usd"}' in data


@pytest.mark.parametrize("name", AMOUNTS)
@pytest.mark.parametrize("amount", NOT_NUMERIC)
def test_what_is_no_numeric_string(name: str, amount: str) -> None:
    """Strings that only some languages take for numbers are refused for the amount's own path, without a quote."""
    refused = refusal("track", event="Swap", properties={name: amount})
    assert (refused.field, refused.reason) == (f"properties.{name}", RULE)


@pytest.mark.parametrize("name", AMOUNTS)
@pytest.mark.parametrize("amount", NO_AMOUNTS, ids=lambda amount: f"{type(amount).__name__} {str(amount)[:20]}")
def test_what_is_no_amount(name: str, amount: object) -> None:
    """Booleans, infinities and whatever is no scalar are refused for the amount's own path."""
    assert refusal("track", event="Swap", properties={name: amount}).field.startswith(f"properties.{name}")


def test_an_integer_beyond_conversion_is_refused() -> None:
    """An integer of more digits than Python converts is refused like any other non-amount."""
    refused = refusal("track", event="Swap", properties={"volume": 10**5000})
    assert refused.field == "properties.volume"


@pytest.mark.parametrize("name", AMOUNTS)
def test_none_is_left_out(name: str) -> None:
    """A missing amount is no amount: it is left out, not 0."""
    assert tracked({name: None, "pair": "ETH/USDC"}) == {"pair": "ETH/USDC"}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_survives(amount: float) -> None:
    """A finite float arrives as the same float."""
    assert tracked({"volume": amount})["volume"] == amount


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6))
def test_decimals_and_their_strings_agree(amount: Decimal) -> None:
    """A Decimal and its decimal string are the same amount: the float nearest to it."""
    assert tracked({"volume": amount}) == tracked({"volume": f"{amount:f}"}) == {"volume": float(amount)}


def test_negative_revenue_is_refused() -> None:
    """Revenue has a floor of 0; volume and points have none."""
    assert refusal("track", event="Swap", properties={"revenue": "-5"}).reason == "must not be negative"
    assert tracked({"volume": -5, "points": -5}) == {"volume": -5, "points": -5}


@pytest.mark.parametrize(("amount", "warned"), [(100_000_000, False), (100_000_001, True), ("1e9", True)])
def test_anomalous_revenue_is_warned_about(amount: object, *, warned: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Revenue that Formo will record as 0 is sent, with a warning that does not quote it."""
    with caplog.at_level(logging.WARNING, logger="formo_lambda"):
        assert tracked({"revenue": amount})["revenue"] == float(str(amount))
    messages = [record.getMessage() for record in caplog.records]
    assert messages == (["properties.revenue: it is above 100000000, so Formo will record 0"] if warned else [])


@pytest.mark.parametrize(
    ("given_currency", "sent"),
    [(None, "usd"), ("USD", "usd"), (" Eth ", "eth"), ("", ""), (Code.EURO, "eur")],
)
def test_currency_beside_a_revenue(given_currency: object, sent: str) -> None:
    """The currency of a revenue is stripped and lower-cased; where there is none it is usd."""
    assert tracked({"revenue": 5, "currency": given_currency}) == {"revenue": 5, "currency": sent}
    assert tracked({"revenue": 5})["currency"] == "usd"


@pytest.mark.parametrize("currency", [840, 10**20, True, b"usd", ["usd"], {"code": "EUR"}, math.nan, Price.MONTHLY])
def test_a_currency_is_a_string(currency: object) -> None:
    """Beside a revenue, a currency of any other type is refused."""
    assert refusal("track", event="Swap", properties={"revenue": 5, "currency": currency}).field == (
        "properties.currency"
    )


def test_currency_without_a_revenue_is_the_callers() -> None:
    """Without a revenue, or with None for one, the currency is not touched."""
    assert tracked({"points": 5, "currency": " USD "}) == {"points": 5, "currency": " USD "}
    assert tracked({"revenue": None, "currency": 840}) == {"currency": 840}


def test_amounts_of_any_event() -> None:
    """They are checked in the properties of every event, as in those of a track event."""
    data = built_bytes("page", properties={"revenue": "5", "volume": None})
    assert json.loads(data + b"}")["properties"] == {"revenue": 5, "currency": "usd"}
    assert refusal("page", properties={"points": "many"}).field == "properties.points"


def test_keys_that_cannot_be_looked_up() -> None:
    """Where a key's own code prevents looking at the original value, an amount counts, and a currency is refused."""
    assert tracked({Prickly("volume"): 5}) == {"volume": 5}
    refused = refusal("track", event="Swap", properties={"revenue": 5, Prickly("currency"): "EUR"})
    assert refused.field == "properties.currency"


def test_json_default_may_make_an_amount() -> None:
    """An object that the hook turns into a number is an amount."""
    assert tracked({"volume": 1j}, json_default=lambda value: value.imag) == {"volume": 1}
