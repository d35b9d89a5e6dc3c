"""Track, flush and look at the totals without a pause; write down each event that was tracked."""

from __future__ import annotations

import os
import sys

from formo_lambda import FormoAnalytics


def main(calls: str) -> None:
    """Begin with a line, and go on for ever."""
    analytics = FormoAnalytics(flush_at=7)
    analytics.track("First")
    os.write(1, b"ready\n")
    number = 0
    while True:
        number += 1
        # Written down at once and unbuffered: what is on paper was tracked before the signal came.
        os.write(1, analytics.track("Busy").encode() + b"\n")
        if "flush" in calls and number % 5 == 0:
            analytics.flush(0.5)
        if "stats" in calls and number % 3 == 0:
            assert analytics.stats.tracked >= number
        if "scope" in calls and number % 4 == 0:
            with analytics.invocation():
                os.write(1, analytics.track("Scoped").encode() + b"\n")
        if "client" in calls and number % 10 == 0:
            FormoAnalytics(flush_at=7).track("Another")


main(sys.argv[1])
