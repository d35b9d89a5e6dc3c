"""A webhook that tells Formo about every swap it hears of."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel

from formo_lambda import FormoAnalytics
from formo_lambda.asgi import FormoFlushMiddleware

analytics = FormoAnalytics()  # The write key comes from FORMO_WRITE_KEY.

app = FastAPI()
app.add_middleware(FormoFlushMiddleware)


class Swap(BaseModel):
    """What the sender tells of a swap."""

    id: str
    wallet: str
    pair: str
    volume: float
    fee: float


@app.post("/swaps")
async def take(swap: Swap) -> dict[str, str]:
    """Take one swap."""
    analytics.identify(swap.wallet, properties={"provider_name": "MetaMask", "rdns": "io.metamask"})
    analytics.track(
        "Swap Completed",
        address=swap.wallet,
        properties={"pair": swap.pair, "volume": swap.volume, "revenue": swap.fee},
        message_id=f"swap-{swap.id}",  # A webhook may call twice: Formo counts the same id once.
    )
    return {"swap": swap.id}
