"""The events of one client in one scope, or of the client itself outside any."""

from __future__ import annotations

import sys
from collections import deque
from itertools import repeat
from typing import TYPE_CHECKING, Final

from formo_lambda.clock import monotonic
from formo_lambda.constants import SENT_AT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.delivery.tally import Tally

#: What `sent_at` and the comma between two events add to each event of a body, in bytes.
ENVELOPE: Final = SENT_AT_BYTES + 1


class Buffer:
    """A queue that many threads append to without a lock. Events leave it only under the lock of the event queue.

    Args:
        flush_at: Events that make it full.
        max_size: Bytes, as sent, that make it full.
        notify: Called with the buffer at its first event, when it is full, and when it is due.
        early: Whether events may leave before the invocation ends. If not, it is full by its size alone.
        tally: Who answers for events that leave early; None for the client's own buffer.

    Attributes:
        events: What waits, oldest first.
        since: When the oldest of them came, in seconds of the monotonic clock.
        due: When the next event is to be told of, whatever the number: 0 while the buffer is empty.
        size: Bytes as sent. Two threads that append at once may leave it a few bytes off, until it is emptied; what a
            request carries is measured when the request is made.
        closed: Whether its scope has ended: the next event belongs elsewhere.
        discarded: Events dropped by the user's rule for failed handlers, since the last flush.
        invalid: Events that failed validation and were only logged, since the last flush.
    """

    __slots__ = (
        "_flush_at",
        "_max_size",
        "_notify",
        "closed",
        "discarded",
        "due",
        "early",
        "events",
        "invalid",
        "since",
        "size",
        "tally",
    )

    def __init__(
        self,
        flush_at: int,
        max_size: int,
        notify: Callable[[Buffer], None],
        *,
        early: bool,
        tally: Tally | None = None,
    ) -> None:
        self.events: deque[bytes] = deque()
        self.early = early
        self.tally = tally
        self.since = 0.0
        self.due = 0.0
        self.size = 0
        self.closed = False
        self.discarded = 0
        self.invalid = 0
        self._flush_at = flush_at if early else sys.maxsize
        self._max_size = max_size
        self._notify = notify

    def append(self, event: bytes) -> None:
        """Add one event. It may be called in a signal handler: nothing here waits."""
        events = self.events
        events.append(event)
        self.size += len(event) + ENVELOPE
        if len(events) >= self._flush_at or self.size >= self._max_size or monotonic() >= self.due:
            self._notify(self)

    @property
    def full(self) -> bool:
        """Whether the events should leave now."""
        return len(self.events) >= self._flush_at or self.size >= self._max_size

    def move_to(self, target: list[bytes] | deque[bytes]) -> None:
        """Move all events to the end of another list.

        It is one call into C, so whoever interrupts it (a signal handler, a finalizer) finds each event in one of the
        two places. An event appended meanwhile is either moved or told of anew.
        """
        self.due = 0.0
        self.size = 0
        events = self.events
        try:
            target.extend(map(deque.popleft, repeat(events, len(events))))
        except IndexError:  # whoever interrupted us has moved them
            pass

    def move_counts(self, target: Buffer | Tally) -> None:
        """Move the counts of discarded and invalid events to whoever tells them."""
        discarded, self.discarded = self.discarded, 0
        invalid, self.invalid = self.invalid, 0
        target.discarded += discarded
        target.invalid += invalid

    def start_over(self) -> None:
        """Begin without events, as a forked child does."""
        self.events.clear()
        self.due = 0.0
        self.size = self.discarded = self.invalid = 0
        if self.tally is not None:
            self.tally.start_over()

    def shed(self, most: int) -> list[bytes]:
        """Remove the oldest events until those left are at most so many bytes, and return them."""
        removed: list[bytes] = []
        try:
            while self.size > most:
                removed.append(self.events.popleft())
                self.size -= len(removed[-1]) + ENVELOPE
        except IndexError:
            self.size = 0
        return removed
