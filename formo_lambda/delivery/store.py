"""The events kept for a later flush: in order, bounded in bytes, the oldest out first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from formo_lambda.invocation import ENVELOPE

if TYPE_CHECKING:
    from collections.abc import Iterable

#: An event and its place in the order in which events left their buffers.
Item = tuple[int, bytes]


class Store:
    """What could not be delivered yet. One sender owns it; nobody else touches it.

    Args:
        max_size: The most bytes, as sent, that it holds.
    """

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._items: list[Item] = []
        self._size = 0

    def __len__(self) -> int:
        return len(self._items)

    def add(self, items: Iterable[Item]) -> list[bytes]:
        """Keep some events.

        Returns:
            The oldest events, taken out because there is no room for them.
        """
        added = list(items)
        if not added:
            return []
        in_order = not self._items or self._items[-1][0] < added[0][0]
        self._items += added
        if not in_order:
            self._items.sort()
        self._size += sum(_size(item) for item in added)
        evicted = 0
        while self._size > self._max_size:
            self._size -= _size(self._items[evicted])
            evicted += 1
        out, self._items = self._items[:evicted], self._items[evicted:]
        return [event for _, event in out]

    def take(self) -> list[Item]:
        """Take everything out, oldest first."""
        items, self._items, self._size = self._items, [], 0
        return items


def _size(item: Item) -> int:
    return len(item[1]) + ENVELOPE
