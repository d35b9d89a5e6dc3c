"""Track, flush and wait while another thread is importing a module, which has nothing of its own yet.

The argument names the module. Prints whether it was there, half loaded, and how many events were sent meanwhile.
"""

from __future__ import annotations

import importlib
import json
import pathlib
import sys
import threading
from typing import TYPE_CHECKING

from formo_lambda import FormoAnalytics, formo_flush

if TYPE_CHECKING:
    from types import FrameType


def main(module: str) -> None:
    """Import the module on a thread, and stop that at its first line until everything is tracked."""
    begun, tracked = threading.Event(), threading.Event()

    def stop(frame: FrameType, event: str, arg: object) -> None:
        if frame.f_globals.get("__name__") == module and frame.f_code.co_name == "<module>":
            begun.set()
            tracked.wait(10.0)

    def load() -> None:
        sys.settrace(stop)
        try:
            importlib.import_module(module)
        finally:
            sys.settrace(None)

    analytics = FormoAnalytics()
    loading = threading.Thread(target=load)
    loading.start()
    begun.wait(10.0)
    names = set(vars(sys.modules[module]))

    @formo_flush
    def handler(event: object, context: object) -> None:
        analytics.track("Handled", properties={"path": pathlib.Path("value"), "object": {1.5: b"bytes"}})

    analytics.track("Tracked")
    analytics.flush()
    handler({}, None)
    analytics.track("Awaited")
    try:
        analytics.aflush().send(None)
    except StopIteration:  # no event loop runs here, so it has been done
        pass
    half = set(vars(sys.modules[module])) == names and not tracked.is_set()
    tracked.set()
    loading.join()
    analytics.track("Loaded")
    print(json.dumps({"half": half and begun.is_set(), "sent": analytics.stats.sent}))


main(sys.argv[1])
