"""Whether what a client says agrees with what the server counted: on return, and after the fault."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from formo_lambda import FlushResult, FormoAnalytics
    from formo_lambda.results import Stats

    from .ledger import Ledger
    from .product import Fault

#: A status line sent this shortly before the flush returned may have come too late to be counted.
_TOO_LATE = 0.25


class Expectation(NamedTuple):
    """What a case is judged by.

    Attributes:
        fault: What the client met.
        whole: Whether the one flush carried everything; else full buffers left before it began.
        patient: Whether its budget leaves time to read an answer that needs no waiting.
    """

    fault: Fault
    whole: bool
    patient: bool


class Case:
    """One flush that met a fault: made when it has returned, it gathers the promises that were broken.

    Args:
        expected: What it is judged by.
        ledger: The server's account.
        client: The client that flushed.
        ids: The message ids of everything it tracked.
        given_up: The message ids handed to `on_undelivered`; grows.
    """

    def __init__(
        self, expected: Expectation, ledger: Ledger, client: FormoAnalytics, ids: list[str], given_up: list[str]
    ) -> None:
        # First of all: the moment up to which an accepted event should be known to the client.
        self._returned = time.monotonic()
        self._expected = expected
        self._fault = expected.fault
        self._ledger = ledger
        self._client = client
        self._ids = ids
        self._given_up = given_up
        self.misses: list[str] = []

    def _expect(self, holds: bool, miss: str) -> None:  # noqa: FBT001  # it is the statement itself
        if not holds:
            self.misses.append(miss)

    def while_it_lasts(self, result: FlushResult | None) -> None:
        """Judge what the client says on return, the fault still on."""
        stats = self._identity("on return")
        known, accepted = len(self._ledger.accepted(self._returned - _TOO_LATE)), len(self._ledger.accepted())
        self._expect(known <= stats.sent <= accepted, f"sent {stats.sent}, the server accepted {known} to {accepted}")
        if self._fault.fate != "open":
            self._expect(stats.undelivered == 0, f"gave up {stats.undelivered} for a passing fault")
        if self._fault.fate == "sent" and self._expected.patient and self._expected.whole:
            self._expect(stats.sent == len(self._ids), f"sent {stats.sent} of {len(self._ids)} that were accepted")
        if result is not None:
            self._result(result, known, accepted)

    def _result(self, result: FlushResult, known: int, accepted: int) -> None:
        total = result.sent + result.retained + result.undelivered + result.discarded
        self._expect(result.sent <= accepted, f"result.sent {result.sent}, the server accepted {accepted}")
        self._expect(result.ok is (result.retained == result.undelivered == 0), f"result.ok is {result.ok}: {result}")
        self._expect(
            result.ok is not bool(result.errors), f"the errors do not say why, or say what is not so: {result}"
        )
        if self._expected.whole:
            self._expect(result.sent >= known, f"result.sent {result.sent}, the server accepted {known} well before")
            self._expect(total == len(self._ids), f"the result speaks of {total} of {len(self._ids)} events: {result}")

    def afterwards(self, result: FlushResult) -> None:
        """Judge the first flush after the end of the fault."""
        stats = self._identity("after the fault")
        self._expect(stats.retained == stats.buffered == 0, f"left behind after the fault: {stats}")
        self._expect(result.retained == 0, f"retained after the fault: {result}")
        self._expect(result.ok is not bool(result.errors), f"all is well, and errors are told: {result}")
        end = time.monotonic() + 2.0
        while len(self._given_up) < stats.undelivered and time.monotonic() < end:
            time.sleep(0.01)
        view = self._ledger.deduplicated()
        missing = set(self._ids) - set(view) - set(self._given_up)
        self._expect(not missing, f"{len(missing)} events vanished")
        self._expect(len(self._given_up) == stats.undelivered, f"handed over {len(self._given_up)}, counted {stats}")
        self._expect(set(view) <= set(self._ids), "the server has events that were never tracked")
        self._expect(not self._ledger.broken_rules, f"malformed requests: {self._ledger.broken_rules}")
        if not self._fault.duplicates:
            again = [mid for mid in view if self._needless(self._ledger.accepted_times(mid))]
            self._expect(not again, f"{len(again)} events were sent again although their acceptance was known")

    def _needless(self, times: list[float]) -> bool:
        return len(times) > 1 and times[0] < self._returned - _TOO_LATE

    def _identity(self, when: str) -> Stats:
        stats = self._client.stats
        whole = stats.buffered + stats.sent + stats.retained + stats.undelivered + stats.discarded
        self._expect(stats.tracked == whole == len(self._ids), f"{when}, of {len(self._ids)} events: {stats}")
        return stats
