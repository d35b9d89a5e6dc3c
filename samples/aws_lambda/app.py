"""A webhook that tells Formo about every swap it hears of."""

from __future__ import annotations

import json
from typing import Any

from formo_lambda import FormoAnalytics, formo_flush

analytics = FormoAnalytics()  # The write key comes from FORMO_WRITE_KEY.


@formo_flush
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Take one swap, as the JSON body of a POST."""
    swap = json.loads(event["body"])
    analytics.identify(swap["wallet"], properties={"provider_name": "MetaMask", "rdns": "io.metamask"})
    analytics.track(
        "Swap Completed",
        address=swap["wallet"],
        properties={"pair": swap["pair"], "volume": swap["volume"], "revenue": swap["fee"]},
        message_id=f"swap-{swap['id']}",  # A webhook may call twice: Formo counts the same id once.
    )
    return {"statusCode": 200, "body": json.dumps({"swap": swap["id"]})}
