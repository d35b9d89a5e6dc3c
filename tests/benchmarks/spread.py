"""Samples and their spread: the median and the quartiles around it."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Spread(NamedTuple):
    """A measured value.

    Attributes:
        median: The middle one of the samples.
        low: The first quartile.
        high: The third quartile.
        samples: How many there were.
        note: What else there is to say, such as events that did not arrive.
    """

    median: float
    low: float
    high: float
    samples: int
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is written to JSON."""
        return {**self._asdict(), **{name: round(getattr(self, name), 6) for name in ("median", "low", "high")}}


class Measure:
    """One figure, for each subject it was taken of.

    Args:
        unit: What the figure is in.
    """

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.subjects: dict[str, Spread] = {}

    def add(self, subject: str, samples: Sequence[float], note: str = "") -> None:
        """Add the samples of one subject, if there are any."""
        if samples:
            self.subjects[subject] = spread_of(samples, note)

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is written to JSON."""
        return {"unit": self.unit, "subjects": {name: spread.as_dict() for name, spread in self.subjects.items()}}


#: The figures by name, in the order of the report.
Measures = dict[str, Measure]


def spread_of(samples: Sequence[float], note: str = "") -> Spread:
    """Return the spread of some samples."""
    if len(samples) == 1:
        return Spread(samples[0], samples[0], samples[0], 1, note)
    low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Spread(median, low, high, len(samples), note)
