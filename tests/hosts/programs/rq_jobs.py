"""Jobs of a shop, for an RQ worker."""

from __future__ import annotations

from formo_lambda import FormoAnalytics

analytics = FormoAnalytics()


def bought(number: int) -> None:
    """Track without a decorator."""
    analytics.track("Bought", properties={"number": number})
