"""Run a program of handlers and flushes in a subinterpreter that starts no daemon threads."""

from __future__ import annotations

import importlib
import sys

#: What runs there. It reports to a file, since what fails there may not fail here.
INSIDE = """
import json, sys, threading
sys.path[:] = {path!r}
report = open({report!r}, "w")

def refused():
    try:
        threading.Thread(target=int, daemon=True).start()
    except RuntimeError:
        return True
    return False

try:
    from formo_lambda import FormoAnalytics, formo_flush
    analytics = FormoAnalytics()

    @formo_flush
    def handler(event, context):
        for _ in range(45):
            analytics.track("Handled")

    handler({{}}, None)
    with analytics.invocation():
        with analytics.invocation():
            analytics.track("Nested")
    analytics.track("Flushed")
    result = analytics.flush()
    told = {{"refused": refused(), "sent": analytics.stats.sent, "flushed": result.sent}}
    analytics.track("At Exit")
except BaseException as error:
    told = repr(error)
json.dump(told, report)
report.close()
"""


def run(code: str) -> None:
    """Run code in such an interpreter, to its end; each version of Python has its own way to make one."""
    if sys.version_info[:2] == (3, 12):
        # The interpreters that 3.12 makes by itself share no allocator, and its early releases end the process when
        # such a one has loaded `ssl` or `hashlib`.
        importlib.import_module("_testcapi").run_in_subinterp_with_config(
            code,
            use_main_obmalloc=True,
            allow_fork=False,
            allow_exec=False,
            allow_threads=True,
            allow_daemon_threads=False,
            check_multi_interp_extensions=False,
            gil=1,  # the main interpreter's
        )
        return
    if sys.version_info >= (3, 13):
        interpreters = importlib.import_module("_interpreters")
        interpreter = interpreters.create("isolated")
    else:
        interpreters = importlib.import_module("_xxsubinterpreters")
        interpreter = interpreters.create(isolated=True)
    interpreters.run_string(interpreter, code)
    interpreters.destroy(interpreter)


if __name__ == "__main__":
    run(INSIDE.format(path=sys.path, report=sys.argv[1]))
