"""Fork at the moment that the argument names; parent and child track and flush, each its own."""

from __future__ import annotations

import os
import sys
import threading
import time

from formo_lambda import FormoAnalytics
from formo_lambda.invocation.invocation import Invocation

analytics = FormoAnalytics(flush_at=20)


def track(name: str, count: int) -> None:
    """Track so many events."""
    for _ in range(count):
        analytics.track(name)


def child() -> int:
    """Do what a forked worker does; return its status."""
    inherited = analytics.stats.tracked
    track("Child", 3)
    result = analytics.flush()
    if inherited or not result.ok or result.sent != 3 or analytics.stats.tracked != 3:
        print(inherited, result, analytics.stats, flush=True)
        return 1
    track("Child", 2)
    return 0


def before_the_first_flush() -> None:
    """Nothing has been tracked yet."""


def with_events_buffered() -> None:
    """Some wait in the parent's buffer."""
    track("Parent", 5)


def after_a_flush() -> None:
    """A connection lies ready, and senders live."""
    track("Parent", 5)
    analytics.flush()


def with_a_flush_in_flight() -> None:
    """Another thread waits for the server, which is slow."""
    track("Parent", 5)
    threading.Thread(target=analytics.flush).start()
    while analytics.stats.requests == 0 and analytics.stats.buffered == 0:
        time.sleep(0.001)


def while_another_thread_tracks() -> None:
    """Another thread is in and out of our code all the time."""

    def work() -> None:
        track("Parent", 5)
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            assert analytics.stats.tracked >= 5

    threading.Thread(target=work).start()
    time.sleep(0.05)


def main(moment: str) -> None:
    """Fork, let the child end by sys.exit, and end the same way."""
    globals()[moment]()
    print("ready", flush=True)
    pid = os.fork()
    if pid == 0:
        sys.exit(child())
    track("Parent Afterwards", 4)
    analytics.flush()
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


def within_an_invocation() -> None:
    """Fork amid an invocation some events of which have left early; print what each flush says at its end."""
    run = analytics.invocation()
    assert isinstance(run, Invocation)
    pid = -1
    with run:
        track("Parent", 20)
        while analytics.stats.sent < 20:
            time.sleep(0.001)
        track("Parent", 5)
        pid = os.fork()
        track("Parent Afterwards" if pid else "Child", 4 if pid else 5)
    assert run.result is not None
    if pid:
        os.waitpid(pid, 0)
    print("parent" if pid else "child", run.result.sent, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "within_an_invocation":
        within_an_invocation()
    else:
        main(sys.argv[1])
