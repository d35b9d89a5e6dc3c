"""Track an event while the interpreter shuts down, where newer Pythons start no thread any more."""

from __future__ import annotations

import atexit

from formo_lambda import FormoAnalytics

analytics = FormoAnalytics()


@atexit.register
def farewell() -> None:
    """Run before the client's own exit, which was registered earlier."""
    analytics.track("Late")
    print("ready", flush=True)
