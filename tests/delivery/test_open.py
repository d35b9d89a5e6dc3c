"""What a client loads when it is made."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from formo_lambda.testing import LocalCollector
from tests.package.project import ROOT

PROGRAM = """
import sys
from formo_lambda import FormoAnalytics

analytics = FormoAnalytics()
before = set(sys.modules)
analytics.track("Loaded")
assert analytics.flush().sent == 1
print(sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_first_flush_loads_nothing(host: str) -> None:
    """All that delivery needs is loaded with the client: no module can be half loaded when the process forks."""
    with LocalCollector() as collector:
        environment = {
            **os.environ,
            "FORMO_WRITE_KEY": "a-key",
            "FORMO_EVENTS_BASE_URL": collector.url.replace("127.0.0.1", host),
            "PYTHONPATH": str(ROOT),
        }
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False, timeout=30
        )
    assert (run.stdout.strip(), run.stderr) == ("[]", "")
