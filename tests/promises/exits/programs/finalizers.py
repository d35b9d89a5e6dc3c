"""Track in the way that the argument says when the interpreter is at its very end, and print the seconds that took."""

from __future__ import annotations

import os
import sys
import time
import weakref

from formo_lambda import FormoAnalytics

how = sys.argv[1]
analytics = FormoAnalytics()
with analytics.invocation():
    analytics.track("Early")


class Held:
    """Collected with the module."""

    def __del__(self) -> None:
        if how == "__del__":
            track()
        else:
            referent = set[int]()
            reference = weakref.ref(referent, track)
            del referent
            assert reference() is None


def track(_: object = None) -> None:
    """Track more events than one batch holds."""
    began = time.monotonic()
    for _ in range(30):
        analytics.track("Late")
    os.write(1, f"{sys.is_finalizing()} {time.monotonic() - began:.3f}\n".encode())


print("ready", flush=True)
held = Held()
