"""A host with its own mind about SIGTERM. Prints what it finds; then waits for the signal."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from formo_lambda import FormoAnalytics

if TYPE_CHECKING:
    from types import FrameType


def theirs(number: int, frame: FrameType | None) -> None:
    """Be the host's handler: a line, and an exit of its own."""
    print("theirs", flush=True)
    sys.exit(5)


def before() -> FormoAnalytics:
    """Set the host's handler before the client is made."""
    signal.signal(signal.SIGTERM, theirs)
    return FormoAnalytics()


def after() -> FormoAnalytics:
    """Set it afterwards, in place of ours."""
    client = FormoAnalytics()
    signal.signal(signal.SIGTERM, theirs)
    return client


def chained() -> FormoAnalytics:
    """Set it afterwards, and have it call ours first."""
    client = FormoAnalytics()
    ours = signal.getsignal(signal.SIGTERM)
    assert callable(ours)

    def chain(number: int, frame: FrameType | None) -> None:
        ours(number, frame)
        theirs(number, frame)

    signal.signal(signal.SIGTERM, chain)
    return client


def ignored() -> FormoAnalytics:
    """Ignore the signal."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    client = FormoAnalytics()
    os.kill(os.getpid(), signal.SIGTERM)
    return client


def not_ours() -> FormoAnalytics:
    """Ask us to stay away."""
    return FormoAnalytics(handle_signals=False)


def one_of_two() -> FormoAnalytics:
    """Ask one client to stay away, and the other not."""
    FormoAnalytics(handle_signals=False)
    return FormoAnalytics()


def disabled() -> FormoAnalytics:
    """Make a client that sends nothing."""
    return FormoAnalytics(enabled=False)


def main(host: str) -> None:
    """Track twenty events under this host's rules, one flushed, the others too few to leave by themselves."""
    client = globals()[host]()
    handler = signal.getsignal(signal.SIGTERM)
    client.track("Flushed")
    client.flush()
    for _ in range(19):
        client.track("Queued")
    kept = signal.getsignal(signal.SIGTERM) is handler
    name = handler.name if isinstance(handler, signal.Handlers) else getattr(handler, "__name__", "")
    print("kept" if kept else "replaced", name, flush=True)
    if host != "ignored":
        time.sleep(30)


main(sys.argv[1])
