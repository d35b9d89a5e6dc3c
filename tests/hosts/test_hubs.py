"""Where gevent or eventlet has replaced threads, locks and sockets: early, late, or not all of them."""

from __future__ import annotations

import collections

import pytest

from formo_lambda.testing import LocalCollector
from tests.promises.hosted import run

#: Seconds that the server takes for each answer.
DELAY = 0.6
#: How many events the program tracks once everything is replaced.
AFTER = 1 + 8 + 150 + 2


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["early"],
        ["early", "without_threads"],
        ["tracked"],
        ["flushed", "without_threads"],
        ["handled"],
    ],
    ids=" ".join,
)
def test_everything_arrives_once_while_other_greenlets_go_on(library: str, arguments: list[str]) -> None:
    """Handlers and flushes deliver, whatever was done before, and what they wait for holds up no other greenlet."""
    check(library, arguments, LocalCollector(delay=DELAY))


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_everything_arrives_over_tls(library: str) -> None:
    """The same over https, with certificates that were loaded before everything was replaced."""
    check(library, ["handled"], LocalCollector(delay=DELAY, tls=True))


def check(library: str, arguments: list[str], collector: LocalCollector) -> None:
    """Run the program against a server, and look at what it says and what arrived."""
    pytest.importorskip(library, reason="a tool of development")
    before = 0 if arguments[0] == "early" else 1
    with collector:
        environ = {"SSL_CERT_FILE": collector.ca_file or ""} if collector.ca_file else {}
        (said,) = run("hub", library, *arguments, url=collector.url, environ=environ)
        assert said["longest"] < DELAY * 0.8
        assert (said["sent"], said["retained"]) == (AFTER + before, 0)
        counts = collections.Counter(event["event"] for event in collector.events)
        assert counts == collections.Counter({"After": AFTER, "Before": before})
