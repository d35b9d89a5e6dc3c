"""Batches of events, and the bodies of requests."""

from __future__ import annotations

import json
from bisect import insort
from enum import Enum
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from formo_lambda.delivery.buffer import ENVELOPE
from formo_lambda.delivery.tally import Outcome
from formo_lambda.events.times import iso_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from formo_lambda.delivery.deadline import Deadline
    from formo_lambda.delivery.tally import Tally

#: Bytes of a body without events: the brackets, less the comma that each event's envelope counts once too often.
EMPTY_BODY: Final = 1


_by_order = attrgetter("order")


class Place(Enum):
    """Where the events of a batch are."""

    WAITING = "waiting"
    IN_FLIGHT = "in flight"
    RETAINED = "retained"
    SETTLED = "settled"


class Batch:
    """Events that left their buffers together, and share their fate until a request parts them.

    Args:
        order: The place of its first event in the order in which events left their buffers.
        tallies: Who answers for its events.
        deadline: When the flush that waits for it ends; None where none does.

    Attributes:
        events: The events, in order.
        size: Their bytes as sent.
        place: Where they are.
        late: Whether a flush has waited in vain for it while it was in flight.
        asked_again: Whether an explicit flush came while it was in flight: if it fails, it is tried again for that one.
        why: What it is retained for.
    """

    __slots__ = ("asked_again", "deadline", "events", "late", "order", "place", "size", "tallies", "why")

    def __init__(self, order: tuple[int, int], tallies: list[Tally], deadline: Deadline | None) -> None:
        self.order = order
        self.events: list[bytes] = []
        self.size = 0
        self.tallies = tallies
        self.deadline = deadline
        self.place = Place.SETTLED
        self.late = False
        self.asked_again = False
        self.why = Outcome()

    def measure(self) -> None:
        """Set the size by the events."""
        self.size = sum(map(len, self.events)) + ENVELOPE * len(self.events)

    def become(self, place: Place) -> None:
        """Move its events to another place, in the counts of all who still ask for them."""
        count = len(self.events)
        self.tallies = [tally for tally in self.tallies if not tally.finished]
        for tally in self.tallies:
            self._count(tally, -count)
        self.place = place
        for tally in self.tallies:
            self._count(tally, count)

    def answer_to(self, tally: Tally) -> None:
        """Have one more flush answer for it."""
        if tally not in self.tallies:
            self.tallies.append(tally)
            self._count(tally, len(self.events))

    def _count(self, tally: Tally, count: int) -> None:
        if self.place is Place.WAITING:
            tally.waiting += count
        elif self.place is Place.IN_FLIGHT:
            tally.in_flight += count
        elif self.place is Place.RETAINED:
            tally.retained += count
            tally.note(self.why, count)

    def split(self, count: int) -> Batch:
        """Move the first events into a batch of their own, and return that."""
        front = self._slice(0, count)
        del self.events[:count]
        self.size -= front.size
        self.order = (self.order[0], self.order[1] + count)
        return front

    def halves(self, count: int) -> list[Batch]:
        """Return two batches in its place, the first of which has the first events."""
        return [self._slice(0, count), self._slice(count, len(self.events))]

    def _slice(self, start: int, stop: int) -> Batch:
        batch = Batch((self.order[0], self.order[1] + start), list(self.tallies), self.deadline)
        batch.place, batch.late, batch.asked_again, batch.why = self.place, self.late, self.asked_again, self.why
        batch.events += self.events[start:stop]
        batch.measure()
        return batch

    def is_asked_for(self) -> bool:
        """Whether anybody still asks for it."""
        return any(not tally.finished for tally in self.tallies)

    def is_of_open_invocation(self) -> bool:
        """Whether an open invocation answers for it, and so decides when it leaves."""
        return any(tally.open for tally in self.tallies)


class Retained:
    """Batches that are kept for a later flush, in the order in which their events left the buffers.

    Args:
        max_size: The most bytes, as sent, that are kept.

    Attributes:
        size: The bytes that are kept.
    """

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._batches: list[Batch] = []
        self.size = 0

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._batches)

    def add(self, batch: Batch) -> list[Batch]:
        """Keep a batch; return the oldest events that there is no room for."""
        insort(self._batches, batch, key=_by_order)
        self.size += batch.size
        removed: list[Batch] = []
        while self.size > self._max_size:
            oldest, excess = self._batches[0], self.size - self._max_size
            number = next(
                number
                for number, freed in enumerate(accumulate(len(event) + ENVELOPE for event in oldest.events), 1)
                if freed >= min(excess, oldest.size)
            )
            removed.append(oldest if number == len(oldest.events) else oldest.split(number))
            if removed[-1] is oldest:
                del self._batches[0]
            self.size -= removed[-1].size
        return removed

    def take(self) -> list[Batch]:
        """Take everything out, oldest first."""
        batches, self._batches, self.size = self._batches, [], 0
        return batches

    def take_newest(self) -> Batch:
        """Take the newest batch out."""
        batch = self._batches.pop()
        self.size -= batch.size
        return batch


def fitting(events: Sequence[bytes], room: int, max_bytes: int, size: int = EMPTY_BODY) -> tuple[int, int]:
    """Return how many events, from the first on, a request can still take, and its size with them.

    Args:
        events: Encoded events.
        room: The most events.
        max_bytes: The most bytes of the body; a larger event fits alone.
        size: Bytes that the body has already.
    """
    count = 0
    for event in events:
        more = len(event) + ENVELOPE
        if count >= room or (size + more > max_bytes and size > EMPTY_BODY):
            break
        count += 1
        size += more
    return count, size


def join(events: Sequence[bytes], now: float) -> bytes:
    """Return the body of one attempt, every event stamped with the time it is made.

    Formo computes an event's time from the difference of `sent_at` and `original_timestamp`, so the stamp belongs
    to the attempt.

    Args:
        events: Encoded events.
        now: Seconds since the epoch.
    """
    stamp = b',"sent_at":"%b"}' % iso_now(now).encode("ascii")
    return b"[" + (stamp + b",").join(events) + stamp + b"]"


def as_dicts(events: Sequence[bytes], now: float) -> list[dict[str, Any]]:
    """Return the events as the dicts that were sent, for the user's own keeping."""
    decoded: list[dict[str, Any]] = json.loads(join(events, now))
    return decoded
