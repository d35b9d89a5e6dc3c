"""What the fault server read, kept and answered, event by event: the truth a FlushResult is held against.

Three words, from weak to strong. *Read*: the whole request arrived. *Kept*: the server may have stored the events,
whether or not it said so. *Accepted*: the server decided to send a 2xx status line for them. Every accepted event is
kept; a kept event that is not accepted is the ambiguous one: the sender has to send it again, and the message id makes
that harmless.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Event = dict[str, Any]


class Request(NamedTuple):
    """One request, read whole."""

    at: float
    connection: int
    method: str
    path: str
    #: Names in lower case.
    headers: Mapping[str, str]
    body: bytes
    events: tuple[Event, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The message ids of the batch, in its order."""
        return tuple(str(event["message_id"]) for event in self.events)


class Ledger:
    """A thread-safe account of what one server saw; every reader gets a copy."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections = 0
        self._requests: list[Request] = []
        self._attempts: Counter[frozenset[str]] = Counter()
        self._kept: dict[str, list[Event]] = {}
        self._accepted: dict[str, list[float]] = {}
        self._broken: list[str] = []

    def connected(self) -> int:
        """Count one connection and return its number, from 1."""
        with self._lock:
            self._connections += 1
            return self._connections

    def read(self, request: Request) -> None:
        """Count one request that arrived whole."""
        with self._lock:
            self._requests.append(request)
            self._attempts[frozenset(request.ids)] += 1

    def keep(self, events: tuple[Event, ...]) -> None:
        """Note events that the server may have stored without saying so."""
        with self._lock:
            for event in events:
                self._kept.setdefault(str(event["message_id"]), []).append(event)

    def accept(self, events: tuple[Event, ...]) -> None:
        """Note events for which a 2xx status line is about to be sent."""
        self.keep(events)
        with self._lock:
            now = time.monotonic()
            for event in events:
                self._accepted.setdefault(str(event["message_id"]), []).append(now)

    def break_rule(self, rule: str) -> None:
        """Note a request that broke the wire format; it got no answer."""
        with self._lock:
            self._broken.append(rule)

    @property
    def broken_rules(self) -> list[str]:
        """What was wrong with the requests that broke the wire format; empty for a sender that works."""
        with self._lock:
            return list(self._broken)

    @property
    def connections(self) -> int:
        """How many connections were accepted."""
        with self._lock:
            return self._connections

    @property
    def requests(self) -> list[Request]:
        """Every request that arrived whole, in the order of arrival."""
        with self._lock:
            return list(self._requests)

    @property
    def attempts(self) -> Counter[frozenset[str]]:
        """How often each batch arrived, a batch being the set of its message ids."""
        with self._lock:
            return Counter(self._attempts)

    def accepted(self, until: float | None = None) -> set[str]:
        """The message ids answered with 2xx, those up to a moment of the monotonic clock if one is given."""
        with self._lock:
            return {mid for mid, times in self._accepted.items() if until is None or min(times) <= until}

    def accepted_times(self, message_id: str) -> list[float]:
        """The moments at which one event was accepted; two of them mean a duplicate on the wire."""
        with self._lock:
            return list(self._accepted.get(message_id, ()))

    def deduplicated(self) -> dict[str, Event]:
        """What remains after deduplication by message id; the copies of one event may differ in `sent_at` only."""
        with self._lock:
            kept = {mid: list(copies) for mid, copies in self._kept.items()}
        view: dict[str, Event] = {}
        for mid, copies in kept.items():
            bare = [{name: value for name, value in copy.items() if name != "sent_at"} for copy in copies]
            if any(copy != bare[0] for copy in bare):
                raise AssertionError(f"copies of event {mid} differ in more than sent_at")
            view[mid] = copies[0]
        return view


def parse_events(body: bytes) -> tuple[Event, ...]:
    """Read a body as strictly as the wire format asks: an array of objects, no NaN, a message id in each.

    Raises:
        ValueError: The body breaks the format.
    """
    events = json.loads(body, parse_constant=_refuse_constant)
    if not isinstance(events, list) or not events:
        raise ValueError("the body is not a filled array")
    for event in events:
        if not isinstance(event, dict) or not isinstance(event.get("message_id"), str):
            raise ValueError("an element is not an event")  # noqa: TRY004  # the body's value, not an argument's type
    return tuple(events)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
