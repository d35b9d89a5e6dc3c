"""Flush again and again, and be interrupted by an alarm whose handler raises; tell what came of it.

The arguments: the exception, and how many threads flush beside the main one.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from formo_lambda import FormoAnalytics

if TYPE_CHECKING:
    from types import FrameType

_ROUNDS = 60
#: The server takes 20 ms to answer: most alarms come while an answer is awaited, and some before or after.
_LATEST = 0.03


class Stop(BaseException):
    """An exception of the host's own that is no Exception."""


EXCEPTIONS: dict[str, type[BaseException]] = {
    each.__name__: each for each in (KeyboardInterrupt, SystemExit, GeneratorExit, Stop)
}


def main(exception: str, beside: int) -> None:
    """Flush, be interrupted, and flush once more at the end."""
    client = FormoAnalytics(handle_signals=False)
    ids: list[str] = []
    over = threading.Event()
    passed = 0

    def on_alarm(number: int, frame: FrameType | None) -> None:
        raise EXCEPTIONS[exception]

    def work() -> None:
        while not over.is_set():
            ids.append(client.track("Beside"))
            client.flush(5.0)

    signal.signal(signal.SIGALRM, on_alarm)
    print("ready", flush=True)
    sys.stdin.readline()
    threads = [threading.Thread(target=work) for _ in range(beside)]
    for thread in threads:
        thread.start()
    moments = random.Random(exception)  # the same in every run
    late = 0.0
    for number in range(_ROUNDS):
        ids.extend(client.track("Interrupted", properties={"round": number}) for _ in range(3))
        began = time.monotonic()
        delay = moments.uniform(0.001, _LATEST)
        try:
            signal.setitimer(signal.ITIMER_REAL, delay)
            client.flush(5.0)
            time.sleep(_LATEST)
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        except EXCEPTIONS[exception]:
            passed += 1
        late = max(late, time.monotonic() - began - delay)
    over.set()
    for thread in threads:
        thread.join(10.0)
    client.flush(5.0)
    print(json.dumps({"ids": ids, "passed": passed, "late": late, "stats": client.stats._asdict()}), flush=True)


main(sys.argv[1], int(sys.argv[2]))
