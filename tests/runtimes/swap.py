"""The swap that every sample is sent, and what must become of it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

from tests.package.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from formo_lambda.testing import LocalCollector

SAMPLES = ROOT / "samples"
SWAP: dict[str, Any] = {
    "id": "s-1",
    "wallet": "0x9798d87366bdfc5d70b300abdffc4f9e95369b3d",
    "pair": "ETH/USDC",
    "volume": 4500,
    "fee": 13.5,
}


def assert_swap_arrived(collector: LocalCollector, answered: float) -> None:
    """Check that the swap came as an identify and a track event of its wallet, before its sender had the answer."""
    identify, track = collector.events
    assert (identify["type"], track["type"], track["event"]) == ("identify", "track", "Swap Completed")
    assert identify["address"] == track["address"] == "0x9798d87366BDfC5d70B300AbDfFc4F9E95369b3D"
    assert track["properties"] == {"pair": "ETH/USDC", "volume": 4500, "revenue": 13.5, "currency": "usd"}
    assert track["message_id"] == "swap-s-1"
    assert collector.arrived_at(track["message_id"]) <= answered
    assert collector.problems == []


def lines_of(module: Path) -> int:
    """Count the lines of a module."""
    return len(module.read_text(encoding="utf-8").splitlines())


def import_without_key(python: Path, module: Path) -> str:
    """Import a module as a builder does, with `FORMO_DISABLED=1` instead of a key; return what was printed."""
    run = subprocess.run(
        [python, "-c", f"import {module.stem}"],
        cwd=module.parent,
        env={"FORMO_DISABLED": "1", "PYTHONPATH": f"{module.parent}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return run.stdout + run.stderr
