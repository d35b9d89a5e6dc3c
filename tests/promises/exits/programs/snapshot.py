"""Live through a snapshot with a stand-in for the runtime's module of hooks."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

hooks: dict[str, list[Any]] = {"before": [], "after": []}
module = types.ModuleType("snapshot_restore_py")
module.register_before_snapshot = lambda function, *args, **kwargs: hooks["before"].append(function)  # type: ignore[attr-defined]
module.register_after_restore = lambda function, *args, **kwargs: hooks["after"].append(function)  # type: ignore[attr-defined]
sys.modules["snapshot_restore_py"] = module

from formo_lambda import FormoAnalytics  # noqa: E402 -- after the stand-in


def sockets() -> int:
    """Count the open sockets of this process."""
    found = 0
    for file in list(Path("/proc/self/fd").iterdir()):
        try:
            found += str(file.readlink()).startswith("socket:")
        except OSError:  # the listing's own
            pass
    return found


clients = [FormoAnalytics(), FormoAnalytics()]
print(*(len(each) for each in hooks.values()), flush=True)
for client in clients:
    client.track("Before the Snapshot")
    client.flush()
print("open", sockets(), flush=True)
for hook in hooks["before"]:
    hook()
print("closed", sockets(), flush=True)
for hook in hooks["after"]:
    hook()
for client in clients:
    client.track("After the Restore")
    print(client.flush().ok, flush=True)
