"""The events of one client in one invocation, or of the client itself outside any."""

from __future__ import annotations

import sys
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Final

from formo_lambda.options import SENT_AT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

#: What `sent_at` and the comma between two events add to each event of a body, in bytes.
ENVELOPE: Final = SENT_AT_BYTES + 1


class Buffer:
    """A queue that many threads append to and one sender drains, without a lock.

    `append` is a deque append and two comparisons: it may run in a signal handler, and nothing it does can wait.
    The sender resets the marks *before* it pops, so an event appended meanwhile is either popped or announced anew.

    Attributes:
        events: What waits, oldest first.
        early: Whether events may leave before the invocation ends.
        since: When the oldest of them came, in seconds of the monotonic clock.
        closed: Whether the invocation is over: its next event belongs elsewhere.
        discarded: Events of scopes within it that the user's rule dropped, since the last flush.
        invalid: Events refused by validation and only logged, since the last flush.
        merged: The buffers of nested scopes that have ended: what left early from them belongs here, too.
        record: What the sender noted of events that left early, for the flush at the end.
    """

    __slots__ = (
        "_call_at",
        "_flush_at",
        "_full_size",
        "_mark",
        "_notify",
        "closed",
        "discarded",
        "early",
        "events",
        "invalid",
        "merged",
        "record",
        "since",
        "size",
    )

    def __init__(self, flush_at: int, full_size: int, notify: Callable[[Buffer], None], *, early: bool) -> None:
        self.events: deque[bytes] = deque()
        self.early = early
        self.closed = False
        self.since = 0.0
        self.discarded = 0
        self.invalid = 0
        self.merged: list[Buffer] = []
        self.record: object = None
        #: Bytes as sent. A trigger, not a ledger: two threads that append at once may leave it a few bytes off,
        #: and every drain sets it right. What a request carries is measured when it is cut.
        self.size = 0
        # What may not leave early is never called full for its count.
        self._flush_at = flush_at if early else sys.maxsize
        self._full_size = full_size
        self._notify = notify
        # Where the sender is called next: at the first event, when full, and at every further fullness,
        # because a sender that had to wait must see the buffer grow.
        self._call_at = 1
        self._mark = full_size

    def append(self, event: bytes) -> None:
        """Take one event; tell the sender of the first one and when the buffer is full."""
        events = self.events
        events.append(event)
        more = len(event) + ENVELOPE
        self.size += more
        count = len(events)
        if count >= self._call_at or self.size >= self._mark:
            if self._call_at == 1:
                self.since = monotonic()
            self._call_at = count - count % self._flush_at + self._flush_at
            self._mark = self.size + self._full_size if self.size >= self._mark else self._mark
            self._notify(self)

    @property
    def full(self) -> bool:
        """Whether the events should leave now."""
        return len(self.events) >= self._flush_at or self.size >= self._full_size

    def drain(self) -> list[bytes]:
        """Take all events out, oldest first."""
        self.rearm()
        return self.pop_all()

    def rearm(self) -> None:
        """Have the next event announced as the first.

        Also called where a buffer was found empty: a thread that was interrupted in `append` by a drain may have set
        the marks of what has left since.
        """
        self.size = 0
        self._mark = self._full_size
        self._call_at = 1

    def shed(self, most: int) -> list[bytes]:
        """Take the oldest events out until those left are at most so many bytes."""
        taken: list[bytes] = []
        try:
            while self.size > most:
                event = self.events.popleft()
                self.size -= len(event) + ENVELOPE
                taken.append(event)
        except IndexError:
            self.size = 0
        return taken

    def pop_all(self) -> list[bytes]:
        """Take all events out and leave the marks alone, as a caller that is not the sender must."""
        events = self.events
        taken: list[bytes] = []
        try:
            while True:
                taken.append(events.popleft())
        except IndexError:
            return taken
