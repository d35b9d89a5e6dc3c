"""The clock that waits, deadlines and pauses are counted by, and how long ago something was."""

from __future__ import annotations

import functools
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

#: Return seconds that only grow. `time.monotonic` is the same clock, but what freezes the time for a test replaces that
#: wherever it is named, and then no wait would ever end.
monotonic: Callable[[], float] = (
    time.monotonic if sys.platform == "win32" else functools.partial(time.clock_gettime, time.CLOCK_MONOTONIC)
)


class Moment(NamedTuple):
    """When something happened, by both clocks: the monotonic one may stand still in a freeze, the other may be set.

    Attributes:
        wall: Seconds since the epoch.
        monotonic: Seconds of the monotonic clock.
    """

    wall: float
    monotonic: float

    @classmethod
    def now(cls) -> Moment:
        """Return this moment."""
        return cls(time.time(), monotonic())

    def age(self) -> float:
        """Return the seconds since then, by the clock that tells more of them."""
        return max(abs(time.time() - self.wall), monotonic() - self.monotonic)


#: Before anything happened.
NEVER = Moment(float("-inf"), float("-inf"))
