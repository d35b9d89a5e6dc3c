"""Look at the action of SIGTERM in a forked child, before and after it tracks."""

from __future__ import annotations

import os
import signal
import sys
import time

from formo_lambda import FormoAnalytics

analytics = FormoAnalytics()
analytics.track("Parent")
analytics.flush()


def action() -> str:
    """Name what SIGTERM does now."""
    handler = signal.getsignal(signal.SIGTERM)
    return handler.name if isinstance(handler, signal.Handlers) else getattr(handler, "__name__", "")


pid = os.fork()
if pid == 0:
    found = [action()]
    if "track" in sys.argv:
        analytics.track("Child")
        found.append(action())
    print(*found, flush=True)
    time.sleep(30)
time.sleep(0.2)
while True:
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        break
    os.kill(pid, signal.SIGTERM)
    time.sleep(0.01)
print(action(), os.waitstatus_to_exitcode(status), flush=True)
