"""Batches of events, and the bodies of requests."""

from __future__ import annotations

import json
from bisect import insort
from collections import deque
from enum import Enum
from itertools import accumulate, chain, starmap
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from formo_lambda.delivery.buffer import ENVELOPE
from formo_lambda.delivery.tally import Outcome
from formo_lambda.events.times import iso_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from formo_lambda.delivery.deadline import Deadline
    from formo_lambda.delivery.tally import Tally

#: Bytes of a body without events: the brackets, less the comma that each event's envelope counts once too often.
EMPTY_BODY: Final = 1


_by_order = attrgetter("order")


class Place(Enum):
    """Where the events of a batch are; the value names the count of a tally."""

    WAITING = "waiting"
    IN_FLIGHT = "in_flight"
    RETAINED = "retained"
    SETTLED = "settled"


class Batch:
    """Events that left their buffers together, and share their fate until a request parts them.

    Args:
        order: The place of its first event in the order in which events left their buffers.
        tallies: Who answers for its events.
        deadline: When the flush that waits for it ends; None where none does.
        origins: The invocations that its events are of, where another flush has taken them.

    Attributes:
        events: The events, in order.
        size: Their bytes as sent.
        place: Where they are.
        late: Whether a flush has waited in vain for it while it was in flight.
        asked_again: Whether an explicit flush came while it was in flight: if it fails, it is tried again for that one.
        why: What it is retained for.
    """

    __slots__ = ("asked_again", "deadline", "events", "late", "order", "origins", "place", "size", "tallies", "why")

    def __init__(
        self,
        order: tuple[int, int],
        tallies: list[Tally],
        deadline: Deadline | None,
        origins: frozenset[Tally] = frozenset(),
    ) -> None:
        self.order = order
        self.origins = origins
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
        apply(self.changes(place, [tally for tally in self.tallies if not tally.finished]))

    def changes(self, place: Place, tallies: list[Tally]) -> list[tuple[object, str, object]]:
        """Return what changes with its place, for `apply`."""
        changes: list[tuple[object, str, object]] = [(self, "tallies", tallies), (self, "place", place)]
        number = len(self.events)
        for tally in tallies if place is not self.place else ():
            for each, change in ((self.place, -number), (place, number)):
                if each is not Place.SETTLED:
                    changes.append((tally, each.value, getattr(tally, each.value) + change))
                if each is Place.RETAINED:
                    tally.note(self.why, change)
        return changes

    def answer_to(self, tally: Tally) -> None:
        """Have one more flush answer for it."""
        if tally in self.tallies:
            return
        number = len(self.events)
        changes: list[tuple[object, str, object]] = [(self, "tallies", [*self.tallies, tally])]
        if self.place is not Place.SETTLED:
            changes.append((tally, self.place.value, getattr(tally, self.place.value) + number))
        apply(changes)
        if self.place is Place.RETAINED:
            tally.note(self.why, number)

    def split(self, count: int) -> list[Batch]:
        """Return two batches in its place, the first of which has the first events."""
        return [self._slice(0, count), self._slice(count, len(self.events))]

    def again(self, deadline: Deadline) -> Batch:
        """Return a batch that is to take the events over, see `take_over`; until then it has none."""
        return Batch(self.order, list(self.tallies), deadline, self.origins)

    def take_over(self, other: Batch) -> None:
        """Have its events wait instead of another batch's, which are the same: in one step, so that they count once."""
        tallies = [tally for tally in self.tallies if not tally.finished]
        changes = other.changes(Place.SETTLED, tallies)
        changes += [(self, "events", other.events), (self, "size", other.size), (self, "place", Place.WAITING)]
        changes += [(tally, "waiting", tally.waiting + len(other.events)) for tally in tallies]
        apply(changes)

    def _slice(self, start: int, stop: int) -> Batch:
        order = (self.order[0], self.order[1] + start)
        batch = Batch(order, list(self.tallies), self.deadline, self.origins)
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


def apply(changes: Iterable[tuple[object, str, object]], *more: Iterable[object]) -> None:
    """Set attributes in one call into C: where a signal handler raises, all of them are set, or none.

    Args:
        changes: What to set: objects, names of attributes, and values.
        more: Iterators of C that do more of the same step.
    """
    deque(chain(starmap(setattr, changes), *more), maxlen=0)


class Retained:
    """Batches that are kept for a later flush, in the order in which their events left the buffers.

    Attributes:
        size: The bytes that are kept.
        since: When the first of them came, in seconds of the monotonic clock.
    """

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self.size = 0
        self.since = 0.0

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._batches)

    def add(self, batch: Batch, now: float) -> None:
        """Keep a batch."""
        if not self._batches:
            self.since = now
        insort(self._batches, batch, key=_by_order)
        self.size += batch.size

    def excess(self, most: int) -> Batch | None:
        """Return the oldest events of what is more than so many bytes, still kept; None where there is no more."""
        excess = self.size - most
        if excess <= 0 or not self._batches:
            return None
        oldest = self._batches[0]
        sizes = accumulate(len(event) + ENVELOPE for event in oldest.events)
        number = next((number for number, freed in enumerate(sizes, 1) if freed >= excess), len(oldest.events))
        if number < len(oldest.events):
            self._batches[:1] = oldest.split(number)
        return self._batches[0]

    def remove(self, batch: Batch) -> None:
        """Keep a batch no longer."""
        self._batches.remove(batch)
        self.size -= batch.size

    def keep(self, batches: list[Batch]) -> None:
        """Keep these, in their order, and nothing else."""
        self._batches = batches
        self.size = sum(batch.size for batch in batches)


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
