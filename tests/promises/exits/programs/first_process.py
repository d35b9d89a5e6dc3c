"""Be the first process of a container: queue events and wait for SIGTERM."""

from __future__ import annotations

import os
import time

from formo_lambda import FormoAnalytics

analytics = FormoAnalytics()
for _ in range(45):
    analytics.track("Queued")
print("ready", flush=True)
print(os.getpid(), flush=True)
time.sleep(30)
