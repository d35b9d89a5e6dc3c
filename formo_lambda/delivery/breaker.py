"""The circuit breaker: a server that does not answer is not asked by every invocation.

========== ============================================ ================================
state      a flush at the end of an invocation          an explicit flush, close(), exit
========== ============================================ ================================
closed     sends                                        sends
open       retains at once                              sends
half-open  one probe, waits for it at most 0.25 s       sends
========== ============================================ ================================

closed -> open: a transient failure, for 5 s, doubled up to 60 s, or as long as Retry-After says, up to 300 s.
open -> half-open: that time is over. half-open -> closed: an answer. half-open -> open: another failure.
"""

from __future__ import annotations

import time
from enum import Enum

from formo_lambda.constants import BREAKER_PAUSE, BREAKER_PAUSE_MAX, RETRY_AFTER_MAX


class State(Enum):
    """What the breaker lets through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """The breaker of one client. Times are seconds of the monotonic clock, given by the caller.

    A pause is over when either clock says so: the monotonic one may stand still in a freeze, and a wall clock that is
    set costs but one request.

    Attributes:
        until: When it is half-open; None while it is closed.
    """

    def __init__(self) -> None:
        self._pause = 0.0
        self.until: float | None = None
        self._until_by_wall = 0.0

    def state(self, now: float) -> State:
        """Return the state at a time."""
        if self.until is None:
            return State.CLOSED
        return State.OPEN if now < self.until and time.time() < self._until_by_wall else State.HALF_OPEN

    def failed(self, now: float, retry_after: float | None = None) -> None:
        """Note a transient failure.

        Args:
            now: The time.
            retry_after: Seconds that the server asked for, if it did.
        """
        if self.state(now) is not State.OPEN:  # else it is the same failure, seen by another batch
            self._pause = min(self._pause * 2, BREAKER_PAUSE_MAX) if self._pause else BREAKER_PAUSE
        seconds = max(self._pause, min(retry_after or 0.0, RETRY_AFTER_MAX))
        self.until = max(self.until or 0.0, now + seconds)
        self._until_by_wall = time.time() + seconds

    def answered(self) -> None:
        """Note an answer: the server is well."""
        self._pause = 0.0
        self.until = None
