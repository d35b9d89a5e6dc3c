"""What every handler does: so many swaps, and so much other work after them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "SwapCompleted"
SMALL = {"pair": "ETH/USDC", "volume": 4500, "revenue": 13.5}
#: About 2 KB as JSON.
LARGE = {
    **SMALL,
    "route": [{"pool": f"0x{n:040x}", "fee": 0.003, "share": n} for n in range(12)],
    "wallet": {"name": "MetaMask", "version": "12.1.0", "connected": True},
    **{f"note_{n}": "a swap of one token for another, by a route over several pools" for n in range(12)},
}
ADDRESSES = [f"0x{n * 0x9E3779B97F4A7C15F39CC0605CEDC8341082276B % 2**160:040x}" for n in range(1, 51)]


def perform(event: dict[str, Any], track: Callable[[str, dict[str, Any]], object]) -> dict[str, int]:
    """Track as many swaps as asked for, then be busy elsewhere as long as asked for."""
    count = event["count"]
    for number in range(count):
        track(ADDRESSES[number % 50], SMALL)
    if event.get("work"):
        time.sleep(event["work"])
    return {"statusCode": 200}
