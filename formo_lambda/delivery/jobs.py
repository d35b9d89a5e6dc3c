"""What a sender can be given to do. Each job runs on one sender and is judged by the outbox that gave it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Protocol

from formo_lambda.delivery import body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from formo_lambda.delivery.courier import Courier, Outcome
    from formo_lambda.delivery.store import Item
    from formo_lambda.delivery.ticket import Ticket
    from formo_lambda.errors import DeliveryError
    from formo_lambda.invocation import Buffer, Deadline

logger = logging.getLogger("formo_lambda")


class Job(Protocol):
    """**Protocol:** something to do that may take long.

    Attributes:
        deadline: When it is given up by whoever waits for it.
        tickets: The flushes that wait for it.
    """

    deadline: Deadline
    tickets: list[Ticket]

    def run(self) -> Any:
        """Do it."""


def attach(job: Job, ticket: Ticket) -> None:
    """Have a flush last until a job is done."""
    job.tickets.append(ticket)
    ticket.outstanding += 1


def detach(job: Job) -> None:
    """Have no flush last any longer for the sake of a job."""
    for ticket in job.tickets:
        ticket.outstanding -= 1


class Parcel:
    """One batch to deliver.

    Args:
        items: Its events.
        deadline: When it must have its outcome.
        scopes: The buffers its events came from.
        courier: Delivers it.
        probe: Whether it finds out if a suspect server has recovered: by one attempt.
        longest_nap: The most seconds between two attempts.

    Attributes:
        tickets: The flushes that wait for it.
        wanted_by: Those of them that asked for it by name while it was under way.
        blamed: Whether its failure has been booked.
    """

    def __init__(
        self,
        items: Sequence[Item],
        deadline: Deadline,
        scopes: Iterable[Buffer],
        courier: Courier,
        *,
        probe: bool = False,
        longest_nap: float = float("inf"),
    ) -> None:
        self.items = list(items)
        self.deadline = deadline
        self.scopes = frozenset(scopes)
        self.tickets: list[Ticket] = []
        self.wanted_by: list[Ticket] = []
        self.probe = probe
        self.blamed = False
        self._courier = courier
        self._longest_nap = longest_nap

    def run(self) -> Outcome:
        """Deliver the batch and say what became of it."""
        return self._courier.deliver(
            [event for _, event in self.items],
            self.deadline,
            time.sleep,
            single_attempt=self.probe,
            longest_nap=self._longest_nap,
        )

    def items_of(self, events: Sequence[bytes]) -> list[Item]:
        """Return the items of some of its events."""
        wanted = {id(event) for event in events}
        return [item for item in self.items if id(item[1]) in wanted]


class Handover:
    """Events that are given up, on their way to the user's sink.

    Args:
        events: The events.
        error: Why.
        deadline: How long a flush waits for the sink.
        sink: The user's `on_undelivered`.
    """

    def __init__(
        self,
        events: Sequence[bytes],
        error: DeliveryError,
        deadline: Deadline,
        sink: Callable[[list[dict[str, Any]], Exception], object],
    ) -> None:
        self.deadline = deadline
        self.tickets: list[Ticket] = []
        self._events = events
        self._error = error
        self._sink = sink

    def run(self) -> None:
        """Call the sink; what it raises is logged, because nobody else would see it."""
        try:
            self._sink(body.as_dicts(self._events, time.time()), self._error)
        except (Exception, SystemExit):
            logger.exception("on_undelivered raised; %d events were given up", len(self._events))


class Warmup:
    """A connection opened while the handler still works, so that the handshake is over when it returns.

    Args:
        deadline: When it is given up.
        warm: Opens it, within so many seconds.
    """

    def __init__(self, deadline: Deadline, warm: Callable[[float], None]) -> None:
        self.deadline = deadline
        self.tickets: list[Ticket] = []
        self._warm = warm

    def run(self) -> bool:
        """Open the connection; return whether there is one now."""
        try:
            self._warm(self.deadline.remaining())
        except Exception:  # noqa: BLE001 -- only a head start: the request that follows finds out and says why
            return False
        return True
