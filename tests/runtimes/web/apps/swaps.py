"""What the applications have in common: a client, and swaps named after the request."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from formo_lambda import FormoAnalytics

if TYPE_CHECKING:
    from collections.abc import Iterator

analytics = FormoAnalytics()

PARTS = ["one ", "two ", "three"]
FILE = Path(__file__)


def swap(name: str, number: int) -> None:
    """Track one swap of the request."""
    analytics.track("Swap Completed", properties={"invocation": name, "number": number})


def stream(name: str) -> Iterator[str]:
    """Give the parts of a body, slowly; track with the last one, and after it."""
    yield PARTS[0]
    time.sleep(0.05)
    yield PARTS[1]
    swap(name, 1)
    yield PARTS[2]
    swap(name, 2)


def endless(name: str) -> Iterator[str]:
    """Give a body without end; track with its second part."""
    yield "tick "
    swap(name, 1)
    while True:
        yield "tick "
        time.sleep(0.01)
