"""A process that forks: parent and child both work, and each event is sent once."""

from __future__ import annotations

import collections
import json
import os
import signal

import pytest

from formo_lambda.testing import Answer, LocalCollector
from tests.promises.exits.process import run
from tests.promises.hosted import SAID

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")


@pytest.mark.parametrize(
    ("moment", "earlier"),
    [
        ("before_the_first_flush", 0),
        ("with_events_buffered", 5),
        ("after_a_flush", 5),
        ("with_a_flush_in_flight", 5),
        ("while_another_thread_tracks", 5),
    ],
)
def test_each_event_is_sent_once(moment: str, earlier: int) -> None:
    """The parent's events are the parent's: the child begins with none, and delivers its own, also at its exit."""
    with LocalCollector(delay=0.15) as collector:
        ended = run("forks", moment, url=collector.url)
        assert (ended.status, ended.lines, ended.errors) == (0, [], "")
        counts = collections.Counter(event["event"] for event in collector.events)
        assert counts == collections.Counter({"Parent": earlier, "Child": 5, "Parent Afterwards": 4})
        assert len(collector.unique_events) == len(collector.events)
        assert collector.problems == []


def test_connections_are_not_shared() -> None:
    """A child never writes to a connection of its parent's."""
    with LocalCollector() as collector:
        run("forks", "after_a_flush", url=collector.url)
        senders: dict[int, set[str]] = {}
        for request in collector.requests:
            names = {event["event"].partition(" ")[0] for event in request.events}
            senders.setdefault(request.connection, set()).update(names)
        assert {"Child"} in senders.values()
        assert all(len(names) == 1 for names in senders.values())


def test_a_fork_within_an_invocation() -> None:
    """What left early is the parent's to report; the child reports what it tracked itself."""
    with LocalCollector() as collector:
        ended = run("forks", "within_an_invocation", url=collector.url)
        assert ended.errors == ""
        assert sorted([ended.first, *ended.lines]) == ["child 5", "parent 29"]
        counts = collections.Counter(event["event"] for event in collector.events)
        assert counts == {"Parent": 25, "Parent Afterwards": 4, "Child": 5}
        # Random ids are drawn in stock, which the child must not have inherited.
        assert len({event["message_id"] for event in collector.events}) == 34


@pytest.mark.parametrize(("does", "found", "arrived"), [("nothing", "SIG_DFL", 1), ("track", "SIG_DFL _on_sigterm", 2)])
def test_a_child_handles_sigterm_once_it_tracks(does: str, found: str, arrived: int) -> None:
    """A forked child that has not tracked has the default action back; one that has delivers before it dies of it."""
    with LocalCollector() as collector:
        ended = run("forked_handler", does, url=collector.url)
        assert ended.first == found
        assert ended.lines == [f"_on_sigterm {-signal.SIGTERM}"]
        assert len(collector.events) == arrived


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_senders_import_nothing(tls: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    """A fork amid an import leaves the child a half-loaded module, so all that senders need is loaded before."""
    with LocalCollector(tls=tls) as collector:
        pause = {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}
        odd = Answer(200, b"[", headers={"Content-Type": "text/html; charset=latin-1", "Content-Encoding": "gzip"})
        collector.respond_with(200, 500, Answer(429, headers=pause), 400, 401, odd, ConnectionResetError())
        ended = run("imports", url=collector.url, environ={"SSL_CERT_FILE": collector.ca_file or ""})
        assert (json.loads(ended.first), SAID.sub("", ended.errors)) == ([], "")
        assert ended.lines == [str(len(collector.requests))]
        assert len(collector.requests) >= 8
