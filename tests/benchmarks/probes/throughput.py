"""Track many events in one process and flush them: how long it takes, wall clock and CPU."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from tests.benchmarks.handlers.workload import ADDRESSES, SMALL


def _main() -> None:
    module, count = sys.argv[1], int(sys.argv[2])
    loaded: Any = __import__(module)
    loaded.track(ADDRESSES[0], SMALL)
    loaded.flush()
    started, used = time.perf_counter(), time.process_time()
    for number in range(count):
        loaded.track(ADDRESSES[number % 50], SMALL)
    tracked = time.perf_counter()
    loaded.flush()
    ended = time.perf_counter()
    print()
    print(json.dumps({"tracked": tracked - started, "all": ended - started, "CPU": time.process_time() - used}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    _main()
