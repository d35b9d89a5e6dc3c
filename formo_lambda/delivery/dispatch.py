"""Takes events out of their buffers, cuts them into batches, and gives those to the senders."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from formo_lambda.delivery import body
from formo_lambda.delivery.jobs import Parcel, attach
from formo_lambda.invocation import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from formo_lambda.delivery.courier import Courier
    from formo_lambda.delivery.roster import Roster
    from formo_lambda.delivery.store import Item
    from formo_lambda.delivery.ticket import Ticket
    from formo_lambda.invocation import Buffer
    from formo_lambda.options import Options


class Dispatcher:
    """Makes parcels of events. It is part of the coordinator's state, and as free of locks.

    Args:
        options: The client's options.
        courier: Delivers a batch.
        roster: Has the senders do it.
    """

    def __init__(self, options: Options, courier: Courier, roster: Roster) -> None:
        self._options = options
        self._courier = courier
        self._roster = roster
        self._order = count()

    def drain(self, buffers: Iterable[Buffer]) -> tuple[list[Item], set[Buffer]]:
        """Take everything out of some buffers; return it in order, and those that had anything."""
        items: list[Item] = []
        scopes: set[Buffer] = set()
        for buffer in buffers:
            events = buffer.drain()
            if events:
                scopes.add(buffer)
                items += zip(self._order, events, strict=False)
        return items, scopes

    def send(
        self,
        items: Sequence[Item],
        scopes: Iterable[Buffer],
        deadline: Deadline,
        tickets: Sequence[Ticket],
        longest_nap: float = float("inf"),
    ) -> None:
        """Have events delivered.

        Args:
            items: The events.
            scopes: The buffers they came from.
            deadline: When each batch must have its outcome.
            tickets: The flushes that wait for them.
            longest_nap: The most seconds between two attempts.
        """
        start = 0
        for batch in body.cut([event for _, event in items], self._options.max_queue_size):
            end = start + len(batch)
            parcel = Parcel(items[start:end], deadline, scopes, self._courier, longest_nap=longest_nap)
            for ticket in tickets:
                attach(parcel, ticket)
            self._roster.add(parcel)
            start = end

    def send_probe(self, items: Sequence[Item], scope: Buffer) -> tuple[Parcel, Sequence[Item]]:
        """Have the newest batch of some events find out whether the server is well again.

        Returns:
            The batch, and the older events.
        """
        *older, _ = body.cut([event for _, event in items], self._options.max_queue_size)
        split = sum(map(len, older))
        deadline = Deadline.after(self._options.request_timeout)
        probe = Parcel(items[split:], deadline, [scope], self._courier, probe=True)
        self._roster.add(probe, first=True)
        return probe, items[:split]
