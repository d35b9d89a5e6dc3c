"""An application that a server loads once and forks into workers: it tracks while it is loaded, and in each request."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from formo_lambda import FormoAnalytics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

analytics = FormoAnalytics()
for _ in range(int(os.environ.get("EVENTS_AT_LOADING", "1"))):
    analytics.track("Loaded", properties={"process": os.getpid()})


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Track one event that leaves with the request, and one outside of it that waits for its worker's end."""
    with analytics.invocation() as run:
        analytics.track("Requested", properties={"process": os.getpid()})
    assert run.result is not None
    analytics.track("Left Over", properties={"process": os.getpid()})
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(run.result.ok).encode()]
