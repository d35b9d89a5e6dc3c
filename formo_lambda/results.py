"""What a flush tells its caller, and the totals of a client."""

from __future__ import annotations

from typing import NamedTuple

from formo_lambda.errors import DeliveryError


class FlushResult(NamedTuple):
    """What became of the events that one flush was responsible for. It never changes.

    Attributes:
        sent: Events answered with 2xx.
        quarantined: How many of those the server set aside, by its own word.
        retained: Events kept for a later flush.
        undelivered: Events given up and handed to `on_undelivered`, each for a reason in `errors`.
        discarded: Events dropped by the user's own rule for failed handlers.
        invalid: Events refused by validation where invalid events are only logged.
        requests: Attempts made on the wire.
        elapsed: Seconds the flush took.
        errors: Why events were retained or given up, a DeliveryError for each cause.
    """

    sent: int = 0
    quarantined: int = 0
    retained: int = 0
    undelivered: int = 0
    discarded: int = 0
    invalid: int = 0
    requests: int = 0
    elapsed: float = 0.0
    errors: tuple[DeliveryError, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was retained, given up or quarantined; with errors it never is."""
        return not (self.retained or self.undelivered or self.quarantined or self.errors)

    def raise_for_errors(self) -> None:
        """Raise the first error, if events were retained, given up or quarantined.

        Raises:
            DeliveryError: Some were.
        """
        if not (self.retained or self.undelivered or self.quarantined):
            return
        if self.errors:
            raise self.errors[0]
        if self.quarantined:
            raise DeliveryError("quarantined by the server", count=self.quarantined, status=200)
        raise DeliveryError("kept for a later flush", count=self.retained + self.undelivered, transient=True)


class Stats(NamedTuple):
    """The totals of one client since it was made; `tracked` is always the sum of where its events are.

    Attributes:
        tracked: Events accepted by `track`, `identify` and the others: the sum of `buffered`, `sent`, `retained`,
            `undelivered` and `discarded`.
        buffered: Events waiting in a buffer or on their way.
        sent: Events answered with 2xx.
        quarantined: How many of those the server set aside, by its own word.
        retained: Events kept for a later flush.
        undelivered: Events given up.
        discarded: Events dropped by the user's own rule for failed handlers.
        invalid: Events refused by validation where invalid events are only logged.
        requests: Attempts made on the wire.
    """

    tracked: int = 0
    buffered: int = 0
    sent: int = 0
    quarantined: int = 0
    retained: int = 0
    undelivered: int = 0
    discarded: int = 0
    invalid: int = 0
    requests: int = 0
