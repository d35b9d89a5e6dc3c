"""Normalise the amounts of an event: revenue with its currency, volume, points."""

from __future__ import annotations

import logging
import re
import sys
from enum import Enum
from typing import TYPE_CHECKING, Any

from formo_lambda.errors import ValidationError
from formo_lambda.events.addresses import BLANKS
from formo_lambda.events.convert import MAX_SAFE_INTEGER
from formo_lambda.signals import raised_by_signal_handler

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger("formo_lambda")

#: The properties that Formo takes for amounts, and their currency.
AMOUNTS = frozenset({"revenue", "volume", "points", "currency"})

#: Formo treats more revenue as an anomaly, and records 0.
REVENUE_ANOMALY = 100_000_000

_AMOUNT_RULE = "must be a finite number, or a string of ASCII digits that is one"

# float() would also accept underscores, digits of other scripts, and words such as "nan".
_NUMERIC = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?").fullmatch


def normalise_amounts(properties: dict[str, Any], given: Mapping[str, object]) -> None:
    """Make the amounts in `properties` numbers, and name the currency of a revenue.

    Args:
        properties: The copy that will be sent; changed in place.
        given: The caller's properties: in the copy, NaN is None, and a large integer is text.

    Raises:
        ValidationError: An amount is no number, the revenue is negative, or the currency is no string.
    """
    for name in ("revenue", "volume", "points"):
        if name in properties:
            amount = _amount(name, properties[name], given)
            if amount is None:
                # Not 0, which would be recorded.
                del properties[name]
            else:
                properties[name] = amount
    if "revenue" in properties:
        _check_revenue(properties["revenue"])
        properties["currency"] = _currency(properties.get("currency"), given)


def _amount(name: str, copied: object, given: Mapping[str, object]) -> int | float | None:
    kind = type(copied)
    if kind is int:
        return copied  # type: ignore[return-value]
    if kind is str:
        copied = _number(copied)  # type: ignore[arg-type]
    if type(copied) is float and abs(copied) != float("inf"):
        return int(copied) if copied.is_integer() and abs(copied) <= MAX_SAFE_INTEGER else copied
    if copied is None and kind is not str and _original(name, given) is None:
        return None
    raise ValidationError(f"properties.{name}", _AMOUNT_RULE)


def _original(name: str, given: Mapping[str, object]) -> object:
    """Return what the caller gave; something that is not None if it cannot be read."""
    handled = sys.exc_info()[1]
    try:
        return given.get(name)
    except Exception as error:  # a look-up compares keys, which may be of any type
        if raised_by_signal_handler(error, handled):
            raise
        return given


def _number(text: str) -> float | None:
    text = text.strip(BLANKS)
    return float(text) if _NUMERIC(text) else None


def _check_revenue(revenue: float) -> None:
    if revenue < 0:
        raise ValidationError("properties.revenue", "must not be negative")
    if revenue > REVENUE_ANOMALY:
        logger.warning("properties.revenue: it is above %d, so Formo will record 0", REVENUE_ANOMALY)


def _currency(copied: object, given: Mapping[str, object]) -> str:
    original = _original("currency", given)
    if original is None:
        return "usd"
    if type(copied) is not str or not isinstance(original, (str, Enum)):
        raise ValidationError("properties.currency", "must be a string if provided (an ISO 4217 code)")
    return copied.strip().lower()
