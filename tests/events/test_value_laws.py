"""Laws that hold for whatever values an event carries."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.errors import ValidationError
from tests.events.building import built_bytes, tracked

SAFE = 2**53 - 1

_JSON_SCALARS = st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    _JSON_SCALARS | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=25,
)

_SURROGATES = st.text(st.characters(codec=None))
_RICH_SCALARS = st.one_of(
    _JSON_SCALARS,
    _SURROGATES,
    st.integers(-(10**90), 10**90),
    st.floats(),
    st.decimals(),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.binary(),
    st.frozensets(st.integers() | st.text()),
)
_RICH_KEYS = _SURROGATES | st.integers() | st.floats() | st.booleans() | st.none()
RICH = st.recursive(
    _RICH_SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(_RICH_KEYS, inner, max_size=4),
    ),
    max_leaves=20,
)


def _no_constant(name: str) -> None:
    raise AssertionError(name)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    assert len(members) == len(pairs)
    return members


def _strictly_decoded(data: bytes) -> Any:
    return json.loads(data.decode("ascii"), parse_constant=_no_constant, object_pairs_hook=_no_duplicates)


def _encoded(properties: dict[Any, Any]) -> bytes | None:
    """Return a whole event, or None for what is rightly refused."""
    try:
        return built_bytes("track", event="Swap", properties={"v": properties}, context={"v": properties}) + b"}"
    except ValidationError as error:
        if error.reason.endswith(("has two keys that are the same in JSON", "datetime, raised OverflowError")):
            return None
        raise


@given(st.dictionaries(_RICH_KEYS, RICH, max_size=5))
def test_the_output_is_strict_json(properties: dict[Any, Any]) -> None:
    """Whatever goes in, strict JSON in ASCII comes out, without NaN and without a key twice."""
    data = _encoded(properties)
    if data is not None:
        event = _strictly_decoded(data)
        assert len(event["properties"]["v"]) == len(properties)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_json_values_round_trip(properties: dict[str, Any]) -> None:
    """What JSON can hold comes back equal, and of the same type."""
    decoded = tracked({"v": properties})["v"]
    assert decoded == properties
    assert repr(decoded) == repr(properties)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_an_independent_decoder_agrees(properties: dict[str, Any]) -> None:
    """Another JSON library reads the same event."""
    orjson = pytest.importorskip("orjson")
    data = built_bytes("track", event="Swap", properties={"v": properties}) + b"}"
    assert orjson.loads(data) == json.loads(data)


@given(st.dictionaries(_RICH_KEYS, RICH, max_size=5))
def test_arguments_are_untouched(properties: dict[Any, Any]) -> None:
    """The caller's values are the same afterwards, down to the last one."""
    before = repr(properties)
    _encoded(properties)
    assert repr(properties) == before


@given(st.integers(0, 2**256 - 1))
def test_uint256_survives(amount: int) -> None:
    """A chain's amount arrives to the last digit, as a number or as digits."""
    assert int(tracked({"wei": amount})["wei"]) == amount


@given(st.integers(-(10**90), 10**90), st.integers(0, 30))
def test_whole_numbers_survive(number: int, places: int) -> None:
    """What is whole is read back equal, whatever type of number it has."""
    for amount in (number, Decimal(number), Decimal(number).scaleb(places), Fraction(number * 10**places)):
        sent = tracked({"price": amount})["price"]
        assert isinstance(sent, (int, str))
        assert int(sent) == amount


@given(st.decimals(allow_nan=False, allow_infinity=False) | st.fractions())
def test_fractions_are_the_nearest_double(amount: Decimal | Fraction) -> None:
    """What is not whole arrives as the double that is nearest to it."""
    sent = tracked({"price": amount})["price"]
    if amount % 1 if isinstance(amount, Fraction) else amount != amount.to_integral_value():
        assert sent == float(amount)
    else:
        assert int(sent) == amount
