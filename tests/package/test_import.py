"""`import formo_lambda` is light and does nothing but define names."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.package.project import ROOT

HEAVY = ["asyncio", "dataclasses", "inspect", "ssl", "tenacity", "typing_extensions", "urllib3"]

# What the standard library's logging loads of itself does not count: on 3.14 its tracebacks load dataclasses.
REPORT = """
import atexit, json, logging, os, signal, sys, threading

class Environment(dict):
    asked = []
    def __getitem__(self, key):
        self.asked.append(key)
        return super().__getitem__(key)
    def get(self, key, default=None):
        self.asked.append(key)
        return super().get(key, default)
    def __contains__(self, key):
        self.asked.append(key)
        return super().__contains__(key)

os.environ = Environment(os.environ)
audited = []
sys.addaudithook(lambda event, args: audited.append(event) if event.startswith(("socket.", "subprocess.")) else None)
signals = {number: signal.getsignal(number) for number in signal.valid_signals()}
modules, exits = set(sys.modules), atexit._ncallbacks()

import formo_lambda

print(json.dumps({
    "modules": sorted(set(sys.modules) - modules),
    "threads": threading.active_count(),
    "exits": atexit._ncallbacks() - exits,
    "signals": [number for number, action in signals.items() if signal.getsignal(number) != action],
    "audited": audited,
    "environment": [name for name in Environment.asked if name.startswith(("FORMO_", "AWS_"))],
    "handlers": [type(handler).__name__ for handler in logging.getLogger("formo_lambda").handlers],
    "root_handlers": len(logging.getLogger().handlers),
}))
"""


def report() -> dict[str, Any]:
    """Import the package in a fresh interpreter and return what that changed."""
    run = subprocess.run([sys.executable, "-c", REPORT], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)  # type: ignore[no-any-return]  # REPORT prints an object


def test_import_loads_no_heavy_module() -> None:
    """Importing the package loads neither its dependencies nor the slow parts of the standard library."""
    loaded = report()["modules"]
    assert "formo_lambda.client" in loaded
    assert not set(HEAVY) & set(loaded)


def test_import_changes_nothing_in_the_process() -> None:
    """Importing the package starts no thread, opens no socket, installs no handler and reads no setting."""
    changed = report()
    assert changed["threads"] == 1
    assert changed["exits"] == 0
    assert changed["signals"] == []
    assert changed["audited"] == []
    assert changed["environment"] == []


def test_import_leaves_the_configuration_of_logging_to_the_user() -> None:
    """The package's logger has no handler: Python's last resort shows warnings. The root logger has what it had."""
    changed = report()
    assert changed["handlers"] == []
    assert changed["root_handlers"] == 0
