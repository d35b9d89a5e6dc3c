"""The product of faults, budgets and ways to flush, as a table: `python -m tests.promises.faults.matrix`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from itertools import groupby, product
from typing import TYPE_CHECKING

from .cell import TOLERANCE, Cell, Verdict, judge, run_here
from .pairwise import choose_pairwise
from .product import FAULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

_AXES = (tuple(FAULTS), (0.1, 0.5, 2.0), ("flush", "handler"), ("sync", "async"), (1, 20))


def every_cell() -> list[Cell]:
    """Return the whole product, in the order of the table."""
    return [Cell(*row) for row in product(*_AXES)]


def chosen_cells() -> list[Cell]:
    """Return the cells of the test suite: every fault at 0.1 s, and every pair of values of any two axes."""
    chosen = {Cell(*row) for row in choose_pairwise(*_AXES)}  # type: ignore[arg-type]  # rows of the axes above
    order = {fault: place for place, fault in enumerate(FAULTS)}
    return sorted(chosen, key=lambda cell: (order[cell.fault], *cell[1:]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cells and print the table; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.promises.faults.matrix", description=__doc__)
    parser.add_argument("--chosen", action="store_true", help="only the cells of the test suite")
    parser.add_argument("--fault", choices=tuple(FAULTS), help="only this fault")
    parser.add_argument("--cell", help="one cell as JSON, in this process; prints the verdict as JSON")
    options = parser.parse_args(arguments)
    # The client reports each failure, as it should; here the table does.
    logging.getLogger("formo_lambda").addHandler(logging.NullHandler())
    logging.getLogger("formo_lambda").propagate = False
    if options.cell:
        _say(json.dumps(run_here(Cell(*json.loads(options.cell)))))
        return 0
    cells = chosen_cells() if options.chosen else every_cell()
    return print_table([cell for cell in cells if options.fault in (None, cell.fault)])


def print_table(cells: Sequence[Cell]) -> int:
    """Run the cells row by row; 1 if a promise was broken."""
    broken: list[tuple[Cell, Verdict]] = []
    _say(f"{'fault':36}{'budget':>8}{'cells':>7}{'worst':>9}  verdict")
    for (fault, budget), group in groupby(cells, key=lambda cell: (cell.fault, cell.budget)):
        verdicts = [(cell, judge(cell)) for cell in group]
        missed = [(cell, verdict) for cell, verdict in verdicts if verdict.late or verdict.misses]
        worst = max(verdict.elapsed for _, verdict in verdicts)
        word = f"MISSED by {len(missed)}" if missed else "holds"
        _say(f"{fault:36}{budget:6.1f} s{len(verdicts):>7}{worst:7.3f} s  {word}")
        broken += missed
    for cell, verdict in broken:
        late = [f"took {verdict.elapsed:.3f} s, at most {cell.budget + TOLERANCE:.3f}"] if verdict.late else []
        _say(f"\n{cell}\n  " + "\n  ".join(late + verdict.misses))
    _say(f"\n{len(cells)} cells, {len(broken)} broken")
    return 1 if broken else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
