"""A handler that several worker processes run at once."""

from __future__ import annotations

import os
import time
from typing import Any

from formo_lambda import FormoAnalytics, formo_flush

analytics = FormoAnalytics()


@formo_flush
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Track over a while, so that all workers are busy."""
    for number in range(event["count"]):
        analytics.track("Swap Completed", properties={"invocation": event["name"], "number": number})
        time.sleep(0.03)
    return {"name": event["name"], "pid": os.getpid()}
