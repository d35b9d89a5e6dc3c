"""A webhook that tells Formo about every swap it hears of."""

from __future__ import annotations

from flask import Flask, request

from formo_lambda import FormoAnalytics
from formo_lambda.wsgi import FormoFlushMiddleware

analytics = FormoAnalytics()  # The write key comes from FORMO_WRITE_KEY.

app = Flask(__name__)
app.wsgi_app = FormoFlushMiddleware(app.wsgi_app)  # type: ignore[method-assign] # as Flask's documentation does


@app.post("/swaps")
def take() -> dict[str, str]:
    """Take one swap, as JSON."""
    swap = request.get_json()
    analytics.identify(swap["wallet"], properties={"provider_name": "MetaMask", "rdns": "io.metamask"})
    analytics.track(
        "Swap Completed",
        address=swap["wallet"],
        properties={"pair": swap["pair"], "volume": swap["volume"], "revenue": swap["fee"]},
        message_id=f"swap-{swap['id']}",  # A webhook may call twice: Formo counts the same id once.
    )
    return {"swap": swap["id"]}
