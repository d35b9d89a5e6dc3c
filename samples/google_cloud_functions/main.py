"""A webhook that tells Formo about every swap it hears of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from formo_lambda import FormoAnalytics, formo_flush

if TYPE_CHECKING:
    from flask import Request

analytics = FormoAnalytics()  # The write key comes from FORMO_WRITE_KEY.


@functions_framework.http
@formo_flush
def swaps(request: Request) -> dict[str, str]:
    """Take one swap, as the JSON body of a POST."""
    swap = request.get_json()
    analytics.identify(swap["wallet"], properties={"provider_name": "MetaMask", "rdns": "io.metamask"})
    analytics.track(
        "Swap Completed",
        address=swap["wallet"],
        properties={"pair": swap["pair"], "volume": swap["volume"], "revenue": swap["fee"]},
        message_id=f"swap-{swap['id']}",  # A webhook may call twice: Formo counts the same id once.
    )
    return {"swap": swap["id"]}
