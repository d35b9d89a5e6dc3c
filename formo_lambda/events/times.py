"""Check timestamps, and write them as Formo reads them: ISO 8601 in UTC with milliseconds."""

from __future__ import annotations

import math
import sys
import time
from functools import lru_cache
from operator import index
from typing import Any

from formo_lambda.errors import ValidationError
from formo_lambda.events.convert import from_array, is_instance, iso_datetime
from formo_lambda.signals import raised_by_signal_handler

#: Seconds since the epoch of 2015-01-01T00:00:00Z: Ethereum began in that year.
EARLIEST = 1_420_070_400
#: Seconds since the epoch, in 2286, beyond which a number is one of milliseconds.
LATEST = 9_999_999_999
#: Most seconds by which a timestamp may be ahead of this machine's clock, since clocks differ.
MAX_AHEAD = 300.0


def iso_now(now: float) -> str:
    """Return the moment `now`, seconds since the epoch, as text."""
    return _moment(round(now * 1000))


def timestamp(value: Any, now: float) -> str:
    """Return when an event happened: a datetime (a naive one is UTC) or seconds since the epoch; None is `now`.

    Args:
        value: The moment, also as a Decimal, or as what numpy or pandas have for it.
        now: Seconds since the epoch.

    Raises:
        ValidationError: It is none of these, more than `MAX_AHEAD` seconds in the future, or before `EARLIEST`.
    """
    if value is None:
        return iso_now(now)
    value = _without_array(value)
    seconds = _seconds(value)
    if seconds is None:
        raise ValidationError("timestamp", "must be a datetime (a naive one is UTC) or seconds since the epoch")
    if seconds > LATEST:
        raise ValidationError("timestamp", "must be in seconds since the epoch, and looks like milliseconds")
    if seconds > now + MAX_AHEAD:
        raise ValidationError("timestamp", "must not be in the future (numbers are seconds since the epoch)")
    if seconds < EARLIEST:
        raise ValidationError("timestamp", "must not be before 2015, when Ethereum began")
    return _digits_of(value) or iso_now(seconds)


def _without_array(value: Any) -> Any:
    """Return a scalar of numpy as Python's own; anything else as it is."""
    handled = sys.exc_info()[1]
    try:
        return from_array(value) if hasattr(type(value), "dtype") else value
    except Exception as error:  # an object that raises is no timestamp
        if raised_by_signal_handler(error, handled):
            raise
        return value


def _digits_of(value: Any) -> str | None:
    """Return a datetime as text, without the rounding of a float; None for anything else."""
    handled = sys.exc_info()[1]
    try:
        return iso_datetime(value) if is_instance(value, "datetime", "datetime") else None
    except Exception as error:  # a tzinfo may raise at its second call
        if raised_by_signal_handler(error, handled):
            raise
        return None


def _seconds(value: Any) -> float | None:
    kind = type(value)
    if kind is int or kind is float:
        return _finite(value)
    handled = sys.exc_info()[1]
    try:
        if is_instance(value, "datetime", "datetime"):
            from datetime import timezone  # noqa: PLC0415 -- loaded, since the value exists

            moment = value if value.utcoffset() is not None else value.replace(tzinfo=timezone.utc)
            return _finite(moment.timestamp())
        if issubclass(kind, float) or is_instance(value, "decimal", "Decimal"):
            return _finite(float(value))
        if kind is not bool and hasattr(kind, "__index__"):
            return _finite(index(value))
    except Exception as error:  # an object that raises is no timestamp
        if raised_by_signal_handler(error, handled):
            raise
        return None
    return None


def _finite(value: float) -> float | None:
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


@lru_cache(64)
def _moment(milliseconds: int) -> str:
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(64)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
