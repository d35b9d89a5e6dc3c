"""The one owner of "how long still", in seconds of the monotonic clock."""

from __future__ import annotations

import time


class Deadline:
    """A point on the monotonic clock by which something must have ended.

    Attributes:
        at: The point, in seconds of `time.monotonic()`.
    """

    __slots__ = ("at",)

    def __init__(self, at: float) -> None:
        self.at = at

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Return the seconds left, never below zero."""
        return max(0.0, self.at - time.monotonic())

    def earlier(self, seconds: float) -> Deadline:
        """Return this deadline, or the one `seconds` from now if that comes first."""
        return Deadline(min(self.at, time.monotonic() + seconds))

    def __repr__(self) -> str:
        return f"Deadline(in {self.remaining():.3f} s)"
