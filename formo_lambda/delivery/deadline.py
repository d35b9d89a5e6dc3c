"""The one owner of "how long still", in seconds of the monotonic clock."""

from __future__ import annotations

from formo_lambda.clock import monotonic
from formo_lambda.constants import FAIR_ATTEMPT


class Deadline:
    """A point on the monotonic clock by which something must have ended.

    Args:
        at: The point, in seconds of the monotonic clock.
        span: The seconds that there were in all.
    """

    __slots__ = ("at", "span")

    def __init__(self, at: float, span: float = float("inf")) -> None:
        self.at = at
        self.span = span

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline that many seconds from now."""
        return cls(monotonic() + seconds, seconds)

    def remaining(self) -> float:
        """Return the seconds left, never below zero."""
        return max(0.0, self.at - monotonic())

    def earlier(self, seconds: float) -> Deadline:
        """Return this deadline, or the one `seconds` from now if that comes first."""
        return min(self, Deadline.after(seconds), key=lambda deadline: deadline.at)

    def fair(self) -> float:
        """Return the seconds that a server must have had for its silence to count as a failure."""
        return min(FAIR_ATTEMPT, self.span / 2)

    def __repr__(self) -> str:
        # Reporters show it amid its own making, too.
        return f"Deadline(in {self.remaining():.3f} s)" if hasattr(self, "at") else "Deadline()"
