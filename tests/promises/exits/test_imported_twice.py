"""A package that a reloader has imported twice: each copy flushes what it has when the process ends."""

from __future__ import annotations

import signal

import pytest

from formo_lambda.testing import LocalCollector
from tests.promises.exits.process import EXIT_SECONDS, Process

#: Which copies have a client, and the numbers of the events that are queued.
WHICH = {"both": range(44), "first": range(22), "second": range(22, 44)}


@pytest.mark.parametrize("number", [None, signal.SIGTERM])
@pytest.mark.parametrize("which", WHICH)
def test_each_copy_flushes_at_the_end(which: str, number: signal.Signals | None) -> None:
    """The events of all clients arrive, once each, and the process ends as without us."""
    with LocalCollector() as collector:
        process = Process("twice", which, url=collector.url).wait_idle()
        ended = (process.go() if number is None else process.send(number)).ended()
    assert ended.errors == ""
    assert ended.status == (0 if number is None else -number)
    assert ended.seconds < EXIT_SECONDS
    assert sorted(event["properties"]["number"] for event in collector.events) == list(WHICH[which])
    assert collector.problems == []
