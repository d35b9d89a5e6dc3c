"""Runs the property tests of this folder under a coverage-guided fuzzer: `make fuzz`."""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from pathlib import Path

#: What reached new code, from one run to the next; and what was found.
_CORPUS = Path(".hypothesis/fuzz/corpus")
_FINDINGS = Path(".hypothesis/fuzz/findings")

#: Bytes of one input: some hundred choices.
_LONGEST = 1_024
#: Seconds after which one call counts as hung.
_HUNG = 30


def main() -> int:
    """Look for a while, or run one input again; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long it looks")
    parser.add_argument("input", nargs="?", type=Path, help="a reported input, to run that one alone")
    chosen = parser.parse_args()
    for folder in (_CORPUS, _FINDINGS):
        folder.mkdir(parents=True, exist_ok=True)
    _sow()
    what = [f"-max_total_time={chosen.seconds}", str(_CORPUS)] if chosen.input is None else [str(chosen.input)]
    known = set(_FINDINGS.iterdir())
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.target"),
            *(f"-artifact_prefix={_FINDINGS}{os.sep}", f"-max_len={_LONGEST}", f"-timeout={_HUNG}"),
            *("-rss_limit_mb=2048", "-print_final_stats=1", *what),
        ],
        # One order of sets and dicts, so that an input does the same when it is run again.
        env={**os.environ, "PYTHONHASHSEED": "0"},
        check=False,
    )
    for found in sorted(set(_FINDINGS.iterdir()) - known):
        sys.stderr.write(
            f"\nFOUND, see the call in the error above. To run it again: make fuzz FUZZ_INPUT={found}\n"
            f"Its bytes: {found.read_bytes().hex()}\n"
        )
    return min(done.returncode, 1) if done.returncode >= 0 else 1


def _sow() -> None:
    """Give the first run inputs to begin with; the fuzzer itself would begin with nothing."""
    numbers = random.Random(0)
    for number in range(64):
        seed = _CORPUS / f"seed-{number:02}"
        if not seed.exists():
            seed.write_bytes(numbers.randbytes(_LONGEST))


if __name__ == "__main__":
    sys.exit(main())
