"""When an event happened."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.events.convert import iso_datetime
from formo_lambda.events.times import EARLIEST, MAX_AHEAD, iso_now
from tests.events.building import NOW, NOW_TEXT, built, refusal

UTC = timezone.utc
NOT_A_MOMENT = "must be a datetime (a naive one is UTC) or seconds since the epoch"
FUTURE = "must not be in the future (numbers are seconds since the epoch)"
MILLISECONDS = "must be in seconds since the epoch, and looks like milliseconds"
TOO_EARLY = "must not be before 2015, when Ethereum began"


class Block(int):
    """A number of seconds as another library may return it."""


class Clock(float):
    """A fractional number of seconds as another library may return it."""


class Seconds:
    """An integer that is no int, as those of numpy are."""

    def __index__(self) -> int:
        return 1_700_000_000


class BrokenMoment(datetime):
    """A datetime that cannot say where it is."""

    def utcoffset(self) -> Any:
        """Raise."""
        raise RuntimeError


HISTORY: dict[str, tuple[object, str]] = {
    "aware": (datetime(2024, 2, 29, 23, 59, 59, 123_999, UTC), "2024-02-29T23:59:59.123Z"),
    "offset": (datetime(2024, 2, 29, 23, 59, tzinfo=timezone(timedelta(hours=-5))), "2024-03-01T04:59:00.000Z"),
    "naive": (datetime(2024, 2, 29, 12, 0), "2024-02-29T12:00:00.000Z"),  # noqa: DTZ001 -- it is about them
    "seconds": (1_700_000_000, "2023-11-14T22:13:20.000Z"),
    "fractions": (1_700_000_000.123, "2023-11-14T22:13:20.123Z"),
    "int subclass": (Block(1_700_000_000), "2023-11-14T22:13:20.000Z"),
    "float subclass": (Clock(1_700_000_000.5), "2023-11-14T22:13:20.500Z"),
    "index": (Seconds(), "2023-11-14T22:13:20.000Z"),
    "decimal": (Decimal("1700000000.123"), "2023-11-14T22:13:20.123Z"),
    "earliest": (EARLIEST, "2015-01-01T00:00:00.000Z"),
    "latest": (NOW + MAX_AHEAD, "2026-11-23T10:05:00.000Z"),
}


def test_now() -> None:
    """Without a timestamp an event happened now, to the millisecond."""
    assert built("page")["original_timestamp"] == NOW_TEXT
    assert built("page", now=NOW + 0.123)["original_timestamp"] == "2026-11-23T10:00:00.123Z"
    assert built("page", now=NOW + 0.9999)["original_timestamp"] == "2026-11-23T10:00:01.000Z"


@pytest.mark.parametrize(("timestamp", "sent"), HISTORY.values(), ids=HISTORY)
def test_history(timestamp: object, sent: str) -> None:
    """Datetimes, a naive one as UTC, and seconds since the epoch say when an event happened."""
    assert built("track", event="Swap", timestamp=timestamp)["original_timestamp"] == sent


@pytest.mark.parametrize(
    ("timestamp", "reason"),
    [
        (NOW + MAX_AHEAD + 1, FUTURE),
        (datetime.fromtimestamp(NOW + 3600, UTC), FUTURE),
        (NOW * 1000, MILLISECONDS),
        (datetime.max.replace(tzinfo=UTC), MILLISECONDS),
        (0, TOO_EARLY),
        (-1e300, TOO_EARLY),
        (EARLIEST - 1, TOO_EARLY),
        (datetime(2014, 12, 31, tzinfo=UTC), TOO_EARLY),
        ("2024-01-01T00:00:00Z", NOT_A_MOMENT),
        ("1700000000", NOT_A_MOMENT),
        ("", NOT_A_MOMENT),
        (True, NOT_A_MOMENT),
        (math.nan, NOT_A_MOMENT),
        (math.inf, NOT_A_MOMENT),
        (10**400, NOT_A_MOMENT),
        (Decimal("NaN"), NOT_A_MOMENT),
        (date(2024, 1, 1), NOT_A_MOMENT),
        (BrokenMoment(2024, 1, 1), NOT_A_MOMENT),
        ([], NOT_A_MOMENT),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_refused(timestamp: object, reason: str) -> None:
    """The future, the time before Ethereum and what is no moment are refused, each with its reason."""
    refused = refusal("track", event="Swap", timestamp=timestamp)
    assert (refused.field, refused.reason) == ("timestamp", reason)


def test_moments_of_numpy() -> None:
    """Its dates, integers and floats say when an event happened; what is no date, and an array, are refused."""
    numpy = pytest.importorskip("numpy")
    moments = {
        "2024-02-29T23:59:59.123Z": [numpy.datetime64("2024-02-29T23:59:59.123456789"), numpy.float64(1709251199.123)],
        "2024-02-29T00:00:00.000Z": [numpy.datetime64("2024-02-29"), numpy.int64(1709164800), numpy.array(1709164800)],
    }
    for text, alike in moments.items():
        for moment in alike:
            assert built("track", event="Swap", timestamp=moment)["original_timestamp"] == text
    for wrong in (numpy.datetime64("NaT"), numpy.float32("nan"), numpy.array([1709164800]), numpy.bool_(1)):
        assert refusal("track", event="Swap", timestamp=wrong).reason == NOT_A_MOMENT


@given(st.integers(0, 4_102_444_800_000))
def test_the_clock_is_written_to_the_millisecond(milliseconds: int) -> None:
    """Any moment of a clock comes out as a datetime writes it."""
    expected = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
    assert iso_now(milliseconds / 1000) == expected.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)))  # noqa: DTZ001
def test_datetimes_are_written_in_utc(moment: datetime) -> None:
    """Any aware datetime comes out as its UTC form, cut to the millisecond."""
    expected = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert iso_datetime(moment) == expected
