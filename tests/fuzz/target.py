"""What the fuzzer calls with bytes: each input makes the choices of one property test."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: Whatever an input leaves open is chosen as simply as can be: so a short one makes a whole call too.
_PADDING = bytes(4_096)

_MODULES = ("test_events", "test_options", "test_delivery", "test_invocations")


def main() -> None:
    """Hand the process over to the fuzzer, which ends it."""
    # By name, since only this folder's own environment has it.
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["formo_lambda"]):
        laws = _laws()

    def one_input(data: bytes) -> None:
        if data:
            laws[data[0] % len(laws)](data[1:] + _PADDING)

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


def _laws() -> list[Callable[[bytes], bytes | None]]:
    """Return the property tests of this folder, each as a function of the bytes that make its choices."""
    importlib.import_module("tests.conftest")  # the same clean environment, and no way to the network
    laws: list[Callable[[bytes], bytes | None]] = []
    for name in _MODULES:
        module = importlib.import_module(f"tests.fuzz.{name}")
        tests = [value for key, value in sorted(vars(module).items()) if key.startswith("test_")]
        laws += [test.hypothesis.fuzz_one_input for test in tests]
    return laws


if __name__ == "__main__":
    main()
