"""Fork as C code does, without any of Python's hooks; parent and child go on, each with its own events."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys

from formo_lambda import FlushResult, FormoAnalytics, formo_flush

analytics = FormoAnalytics()


@formo_flush
def handler(event: object, context: object, name: str) -> None:
    """Handle one request."""
    analytics.track(name)


def tell(process: str, result: FlushResult) -> None:
    """Print what a process has delivered: by its last flush, and since it began."""
    told = {"in": process, "ok": result.ok, "flushed": result.sent, "sent": analytics.stats.sent}
    os.write(1, json.dumps(told).encode() + b"\n")


def child() -> None:
    """Do what a worker does, and end as one whose interpreter nobody finalises."""
    # A child that hangs is ended by it, and its parent sees so.
    signal.alarm(10)
    handler({}, None, "Child")
    analytics.track("Child")
    result = analytics.flush()
    handler({}, None, "Child")
    tell("child", result)
    os._exit(0)


def main(earlier: str, library: str) -> None:
    """Do what the argument says, fork by a library with the interpreter's lock held (PyDLL) or free, and go on."""
    if earlier in {"flushed", "pending"}:
        handler({}, None, "Parent")
        analytics.track("Parent")
        analytics.flush()
    if earlier in {"pending", "tracked"}:
        analytics.track("Parent")
        analytics.track("Parent")
    pid = getattr(ctypes, library)(None).fork()
    if pid == 0:
        child()
    _, status = os.waitpid(pid, 0)
    handler({}, None, "Parent")
    analytics.track("Parent")
    result = analytics.flush()
    tell("parent", result)
    print(json.dumps({"child ended": os.waitstatus_to_exitcode(status)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
