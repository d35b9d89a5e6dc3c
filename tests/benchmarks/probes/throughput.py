"""Track many events in one process and flush them: how long it takes, wall clock and CPU, and the memory it needs."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.handlers.workload import ADDRESSES, SMALL


def _memory(name: str) -> int:
    """Return the process's memory (VmRSS), or its peak (VmHWM), in kB; 0 where the system does not say."""
    status = Path("/proc/self/status")
    found = re.search(rf"{name}:\s+(\d+)", status.read_text()) if status.exists() else None
    return int(found[1]) if found else 0


def _main() -> None:
    module, count = sys.argv[1], int(sys.argv[2])
    loaded: Any = __import__(module)
    loaded.track(ADDRESSES[0], SMALL)
    loaded.flush()
    before = _memory("VmRSS")
    started, used = time.perf_counter(), time.process_time()
    for number in range(count):
        loaded.track(ADDRESSES[number % 50], SMALL)
    tracked = time.perf_counter()
    loaded.flush()
    ended = time.perf_counter()
    print()
    figures = {
        "tracked": tracked - started,
        "all": ended - started,
        "CPU": time.process_time() - used,
        "MB": (_memory("VmHWM") - before) / 1_024,
    }
    print(json.dumps(figures))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    _main()
