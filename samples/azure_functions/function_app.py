"""A webhook that tells Formo about every swap it hears of."""

from __future__ import annotations

import json

import azure.functions as func

from formo_lambda import FormoAnalytics, formo_flush

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
analytics = FormoAnalytics()  # The write key comes from FORMO_WRITE_KEY.


@app.route("swaps", methods=["POST"])
@formo_flush  # The last decorator, directly above the function.
async def swaps(req: func.HttpRequest) -> func.HttpResponse:
    """Take one swap, as the JSON body of a POST."""
    swap = req.get_json()
    analytics.identify(swap["wallet"], properties={"provider_name": "MetaMask", "rdns": "io.metamask"})
    analytics.track(
        "Swap Completed",
        address=swap["wallet"],
        properties={"pair": swap["pair"], "volume": swap["volume"], "revenue": swap["fee"]},
        message_id=f"swap-{swap['id']}",  # A webhook may call twice: Formo counts the same id once.
    )
    return func.HttpResponse(json.dumps({"swap": swap["id"]}), mimetype="application/json")
