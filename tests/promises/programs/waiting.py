"""Track 45 events, and flush them with a server that is slow; SIGTERM comes meanwhile."""

from __future__ import annotations

from formo_lambda import FormoAnalytics

analytics = FormoAnalytics(flush_at=100)
for _ in range(45):
    analytics.track("Waiting")
print("ready", flush=True)
analytics.flush(20.0)
