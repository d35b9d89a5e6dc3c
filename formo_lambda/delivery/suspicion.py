"""Whether the server is worth a request: a sick one is not paid for twice."""

from __future__ import annotations

from formo_lambda.options import RETRY_AFTER_MAX, SUSPECT_PAUSE, SUSPECT_PAUSE_MAX


class Suspicion:
    """What the last deliveries say of the server. Times are seconds of the monotonic clock, given by the caller."""

    def __init__(self) -> None:
        self._pause = 0.0
        #: When the pause is over, or None while the server is trusted.
        self.until: float | None = None

    def failed(self, now: float, asked: float | None) -> None:
        """Note a failure of the passing kind.

        Args:
            now: The time.
            asked: Seconds that the server asked to be left alone, if it did.
        """
        if not self.pausing(now):  # else it is the same failure, seen by another batch
            self._pause = min(self._pause * 2, SUSPECT_PAUSE_MAX) if self._pause else SUSPECT_PAUSE
        self.until = max(self.until or 0.0, now + max(self._pause, min(asked or 0.0, RETRY_AFTER_MAX)))

    def cleared(self) -> None:
        """Note an answer."""
        self._pause = 0.0
        self.until = None

    def pausing(self, now: float) -> bool:
        """Whether the server is to be left alone still."""
        return self.until is not None and now < self.until

    def due(self, now: float) -> bool:
        """Whether the pause is over and one request may find out."""
        return self.until is not None and now >= self.until
