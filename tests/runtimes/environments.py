"""The virtual environments that `make` builds for the runtimes: `.venvs/<runtime>-<version of Python>`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.package.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def interpreter(runtime: str, version: str) -> Path:
    """Return the Python that has a runtime installed; skip the test where it cannot be there.

    Args:
        runtime: The name of a file in `tests/runtimes/requirements`.
        version: The version of Python, such as "3.13".
    """
    environment = ROOT / ".venvs" / f"{runtime}-{version}"
    if not (environment / ".ready").exists():
        pytest.skip(f"no {environment.name}: this machine has no Python {version}, or `make runtimes` has not run")
    return environment / "bin" / "python"
