"""A small choice out of a large product in which every pair of values still meets."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

T = TypeVar("T", bound="tuple[Hashable, ...]")


def pairs_of(row: Sequence[Hashable]) -> set[tuple[tuple[int, Hashable], ...]]:
    """Return each pair of values in a row, with their places."""
    return set(combinations(enumerate(row), 2))


def choose_pairwise(*axes: Sequence[Hashable]) -> list[tuple[Hashable, ...]]:
    """Choose rows of the product of the axes, greedily, until every pair of values of two axes is in one of them.

    The choice depends on the axes only, so a row that fails today is there tomorrow.
    """
    rows = list(product(*axes))
    missing = {pair for row in rows for pair in pairs_of(row)}
    chosen: list[tuple[Hashable, ...]] = []
    while missing:
        best = max(rows, key=lambda row: len(missing & pairs_of(row)))
        missing -= pairs_of(best)
        chosen.append(best)
    return chosen
