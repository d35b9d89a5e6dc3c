"""Track and flush before and after gevent replaces what blocks."""

from __future__ import annotations

import json
import sys

from formo_lambda import FormoAnalytics, formo_flush

analytics = FormoAnalytics()


@formo_flush
def handler(event: object, context: object) -> None:
    """Handle one request."""
    analytics.track("After")


def main(earlier: str) -> None:
    """Do what the argument says, patch, and go on."""
    if earlier == "handled":
        with analytics.invocation():
            analytics.track("Before")
    elif earlier != "nothing":
        analytics.track("Before")
    if earlier == "flushed":
        assert analytics.flush().sent == 1

    from gevent import joinall, monkey, spawn  # so late that all of our modules are loaded

    monkey.patch_all()

    handler({}, None)
    analytics.track("After")
    result = analytics.flush()
    joinall([spawn(handler, {}, None) for _ in range(8)])
    print(json.dumps({"ok": result.ok, "sent": analytics.stats.sent, "retained": analytics.stats.retained}))


if __name__ == "__main__":
    main(sys.argv[1])
