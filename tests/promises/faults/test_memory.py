"""A hundred thousand events against a dead server stay within the store's bound, and the growth is shown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import behaviours

if TYPE_CHECKING:
    from .fault_server import FaultServer

_EVENTS = 100_000
_STORE = 5_000_000

_PROGRAM = """
import json, resource, sys, time
from formo_lambda import FormoAnalytics

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()

client = FormoAnalytics("test-key", api_host=sys.argv[1], flush_timeout=0.2, handle_signals=False)
client.track("Warm")
before = most = resident()
longest = 0.0
for number in range(int(sys.argv[2])):
    began = time.perf_counter()
    client.track("Flood", properties={"number": number, "padding": "x" * 300})
    longest = max(longest, time.perf_counter() - began)
    if number % 1000 == 0:
        most = max(most, resident())
client.flush(0.5)
print(json.dumps({"grown": max(most, resident()) - before, "longest": longest, "stats": client.stats._asdict()}))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the resident size is read from /proc")
@pytest.mark.parametrize("mode", ["refuses", "is silent"])
def test_a_flood_against_a_dead_server_stays_bounded(
    server: FaultServer, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The process grows by a small multiple of the store, not by the 60 MB tracked; every event is accounted for."""
    if mode == "refuses":
        server.refuse()
    else:
        server.switch(behaviours.never_answers)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, server.url, str(_EVENTS)],
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    seen = json.loads(done.stdout)
    stats = seen["stats"]
    with capsys.disabled():
        sys.stdout.write(f"\n  {_EVENTS} events, the server {mode}: the process grew by {seen['grown'] / 1e6:.1f} MB\n")
    assert stats["tracked"] == _EVENTS + 1
    parts = ("buffered", "sent", "retained", "undelivered", "discarded")
    assert stats["tracked"] == sum(stats[part] for part in parts)
    assert stats["sent"] == 0
    # An event of the flood is over 500 bytes as sent.
    assert 0 < stats["retained"] + stats["buffered"] <= 2 * _STORE / 500
    assert stats["undelivered"] > _EVENTS / 2
    assert seen["grown"] < 6 * _STORE
    assert seen["longest"] < 1.0
