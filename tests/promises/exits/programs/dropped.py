"""Drop a client that has something to deliver, with a short idle time; report what lives on, and when."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import formo_lambda.constants

# Before delivery is loaded, which takes it over.
formo_lambda.constants.WORKER_IDLE = 0.3  # type: ignore[misc] # to see the end of it

from formo_lambda import FormoAnalytics  # noqa: E402 -- see above


def senders() -> int:
    """Count the threads of all clients."""
    return sum(thread.name.startswith("formo") for thread in threading.enumerate())


def wait(condition: object) -> float:
    """Return the seconds until a condition holds, at most five."""
    began = time.monotonic()
    while not condition() and time.monotonic() < began + 5:  # type: ignore[operator] # any callable
        time.sleep(0.005)
    return time.monotonic() - began


client = FormoAnalytics()
client.track("One")
client.flush()
print("delivered", senders() > 0, flush=True)
waited = wait(lambda: senders() == 0)
print("idle", senders(), 0.2 < waited < 2.0, flush=True)
client.track("Two")
client.flush()
wait(lambda: senders() == 0)
print("again", senders(), client.stats.sent, flush=True)
client.track("Three")
reference = weakref.ref(client._queue)
del client
gc.collect()
print("pending", reference() is not None, flush=True)
outbox = reference()
assert outbox is not None
from formo_lambda import process  # noqa: E402 -- loaded by the constructor

process.flush_everything(2.0)
del outbox
wait(lambda: senders() == 0)
gc.collect()
print("collected", reference() is None, senders(), flush=True)
FormoAnalytics().track("Four")
