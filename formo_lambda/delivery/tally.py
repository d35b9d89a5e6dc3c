"""What becomes of events, and what one flush answers for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from formo_lambda.errors import DeliveryError
from formo_lambda.results import FlushResult

if TYPE_CHECKING:
    from collections.abc import Callable


class Outcome(NamedTuple):
    """What became of some events: they were sent, given up, or are kept for a later flush.

    Attributes:
        reason: Why they were not sent, in a few words; empty if they were.
        status: The HTTP status of the answer, or None where there was none.
        transient: Whether another attempt may succeed.
        quarantined: How many of the sent events the server set aside.
    """

    reason: str = ""
    status: int | None = None
    transient: bool = False
    quarantined: int = 0


class Tally:
    """What became of the events that one flush, or one invocation, answers for. The queue's lock guards it.

    Args:
        open: Whether it belongs to an invocation that is still open: then no other flush takes its events.
        explicit: Whether the user asked for the flush.

    Attributes:
        sent: Events that were sent.
        quarantined: How many of those the server set aside.
        undelivered: Events that were given up.
        discarded: Events that the user's rule for failed handlers dropped.
        invalid: Events that failed validation and were only logged.
        requests: Attempts that carried any of its events.
        waiting: Its events in the list of waiting batches.
        in_flight: Its events that a thread is sending.
        retained: Its events that are kept for a later flush.
        others: Events of other flushes that are kept as well, where all are because the server is left alone.
        finished: Whether nobody asks for it any more: it is not updated from then on.
        wake: Called when nothing waits and nothing is in flight any more, and when there is room for a request of its
            own, if it sleeps for that.
    """

    __slots__ = (
        "_why",
        "discarded",
        "explicit",
        "finished",
        "in_flight",
        "invalid",
        "open",
        "others",
        "quarantined",
        "requests",
        "retained",
        "sent",
        "undelivered",
        "waiting",
        "wake",
    )

    def __init__(self, *, open: bool = False, explicit: bool = False) -> None:  # noqa: A002 -- the plain word for it
        self.open = open
        self.explicit = explicit
        self.finished = False
        self.wake: Callable[[], object] | None = None
        self.start_over()

    def start_over(self) -> None:
        """Count from zero, as a forked child does."""
        self.sent = self.quarantined = self.undelivered = self.requests = self.discarded = self.invalid = 0
        self.waiting = self.in_flight = self.retained = self.others = 0
        self._why: dict[tuple[str, int | None, bool], int] = {}

    @property
    def outstanding(self) -> int:
        """Events that wait or are in flight."""
        return self.waiting + self.in_flight

    def note(self, why: Outcome, count: int) -> None:
        """Note why events are not sent; a negative count takes a note back."""
        key = (why.reason, why.status, why.transient)
        self._why[key] = self._why.get(key, 0) + count

    def result(self, elapsed: float) -> FlushResult:
        """Return what is known, as the user sees it: what has no outcome yet is retained."""
        errors = [
            DeliveryError(reason, count=count, status=status, transient=transient)
            for (reason, status, transient), count in self._why.items()
            if count > 0
        ]
        return FlushResult(
            self.sent,
            self.quarantined,
            self.outstanding + self.retained + (self.others if self.retained else 0),
            self.undelivered,
            self.discarded,
            self.invalid,
            self.requests,
            elapsed,
            tuple(errors),
        )
