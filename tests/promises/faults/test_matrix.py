"""The promise against every fault: on time, truthful, and nothing lost."""

from __future__ import annotations

import pytest

from .cell import TOLERANCE, Cell, judge
from .matrix import chosen_cells, every_cell
from .pairwise import choose_pairwise, pairs_of
from .product import FAULTS


@pytest.mark.parametrize("cell", chosen_cells(), ids=str)
def test_a_flush_ends_on_time_and_tells_the_truth(cell: Cell) -> None:
    """Within the budget plus a quarter second, the counts agree with the server's, and later everything arrives."""
    verdict = judge(cell)
    assert verdict.misses == []
    assert verdict.elapsed <= cell.budget + TOLERANCE


def test_the_choice_covers_every_pair_and_every_fault_at_the_smallest_budget() -> None:
    """Each pair of values of the whole product is in the chosen cells, which are far fewer."""
    wanted = {pair for cell in every_cell() for pair in pairs_of(cell)}
    assert wanted == {pair for cell in chosen_cells() for pair in pairs_of(cell)}
    assert {cell.fault for cell in chosen_cells() if cell.budget == 0.1} == set(FAULTS)
    assert len(chosen_cells()) * 4 < len(every_cell())


def test_the_pairwise_choice_is_complete_on_a_small_product() -> None:
    """Three axes of two values need four rows, and the choice finds them."""
    assert len(choose_pairwise("ab", "cd", "ef")) == 4
