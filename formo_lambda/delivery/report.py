"""What the log says of one client's deliveries: an outage when it begins and ends, a loss each time.

======= ==========================================================================================================
level   when
======= ==========================================================================================================
ERROR   events are lost: at once, and what is lost within a second of that in one further line
WARNING Formo quarantined events: likewise
WARNING Formo cannot take events (an outage): when that begins, and at most once a minute while it lasts
WARNING events were not sent in time although there is no outage: at most once a minute
INFO    the outage is over
======= ==========================================================================================================
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from formo_lambda.constants import LOSS_INTERVAL, OUTAGE_INTERVAL
from formo_lambda.delivery.tally import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping


class Line(NamedTuple):
    """One log line.

    Attributes:
        level: Its level.
        text: What it says.
        counts: The same in numbers, for JSON loggers.
    """

    level: int
    text: str
    counts: Mapping[str, object]


class Report:
    """What is still to be said of one client. Times are seconds of the monotonic clock, given by the caller."""

    def __init__(self) -> None:
        #: Events that are lost or, where there is no reason, quarantined.
        self.losses: deque[tuple[Outcome, int]] = deque()
        self._lost_at = float("-inf")
        self._kept: dict[Outcome, int] = {}
        self._kept_at = float("-inf")
        #: Why the circuit breaker is open.
        self._failure = Outcome()
        self._outage_since: float | None = None
        self._outage_at = 0.0
        self._retained = 0

    def kept(self, why: Outcome, events: int) -> None:
        """Note events that were not sent in time and are retained."""
        self._kept[why] = self._kept.get(why, 0) + events

    def failed(self, why: Outcome) -> None:
        """Note why the circuit breaker opens."""
        self._failure = why

    def is_quiet(self) -> bool:
        """Whether there is nothing to say while the circuit breaker is closed."""
        return not self.losses and not self._kept and self._outage_since is None

    def due(self) -> float:
        """Return when there is something to say although nobody flushes."""
        return self._lost_at + LOSS_INTERVAL if self.losses else float("inf")

    def lines(self, now: float, open_until: float | None, retained: int, *, at_once: bool = False) -> list[Line]:
        """Return what is to be said now.

        Args:
            now: The time.
            open_until: When the open circuit breaker lets a request through; None where it is closed.
            retained: Events that are retained.
            at_once: Whether losses are not to be summed up any longer.
        """
        lines: list[Line] = []
        if self.losses and (at_once or now - self._lost_at >= LOSS_INTERVAL):
            lost: dict[Outcome, int] = {}
            for _ in range(len(self.losses)):  # more may come meanwhile
                why, events = self.losses.popleft()
                lost[why] = lost.get(why, 0) + events
            self._lost_at = now
            lines += [_loss(why, events, retained) for why, events in lost.items()]
        outage = self._outage(now, open_until, retained)
        if outage is not None:
            lines.append(outage)
        kept, self._kept = self._kept, {}
        if kept and open_until is None:
            told = now - self._kept_at < OUTAGE_INTERVAL
            level = logging.DEBUG if told else logging.WARNING
            self._kept_at = self._kept_at if told else now
            lines += [_delay(level, why, events, retained) for why, events in kept.items()]
        return lines

    def _outage(self, now: float, open_until: float | None, retained: int) -> Line | None:
        """Return what is to be said of an outage."""
        if open_until is None:
            if self._outage_since is None:
                return None
            seconds, self._outage_since = now - self._outage_since, None
            text = f"Formo takes events again after {seconds:.0f} s; sending {_events(self._retained, 'retained ')}"
            return Line(logging.INFO, text, {"retained": self._retained, "seconds": round(seconds, 1)})
        self._retained = retained
        began = self._outage_since is None
        level = logging.WARNING if began or now - self._outage_at >= OUTAGE_INTERVAL else logging.DEBUG
        if self._outage_since is None:
            self._outage_since = now
        if level == logging.WARNING:
            self._outage_at = now
        pause = max(0.0, open_until - now)
        for_seconds = "" if began else f" for {now - self._outage_since:.0f} s"
        text = (
            f"Formo cannot take events{for_seconds} ({self._failure.reason}): {_events(retained)} retained, "
            f"next attempt in {pause:.0f} s"
        )
        return Line(level, text, {"retained": retained, "retry_in": round(pause, 1), **_reason(self._failure)})


def _loss(why: Outcome, events: int, retained: int) -> Line:
    if not why.reason:
        return Line(logging.WARNING, f"{_events(events)} quarantined by Formo", {"quarantined": events})
    counts = {"undelivered": events, "retained": retained, **_reason(why)}
    return Line(logging.ERROR, f"{_events(events)} lost: {why.reason}", counts)


def _delay(level: int, why: Outcome, events: int, retained: int) -> Line:
    text = f"{_events(events)} retained for a later flush: {why.reason}"
    return Line(level, text, {"retained": retained, **_reason(why)})


def _events(count: int, which: str = "") -> str:
    return f"1 {which}event" if count == 1 else f"{count} {which}events"


def _reason(why: Outcome) -> dict[str, object]:
    return {"reason": why.reason, "status": why.status}
