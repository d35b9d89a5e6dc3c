"""Requests that one instance serves at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.runtimes.google.arrivals import ask, events_of, in_time

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector
    from tests.runtimes.google.conftest import Deploy


@pytest.mark.parametrize("source", ["sync", "aio"])
def test_eight_requests_at_once_keep_their_events_apart(source: str, deploy: Deploy, collector: LocalCollector) -> None:
    """Of eight requests in one process each answers with its own events delivered, none lost, none twice."""
    instance = deploy(source, "meet")
    names = [f"request-{number}" for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: ask(instance, name, 7), names))

    for name, answer in zip(names, answers, strict=True):
        assert answer.status == 200, instance.log
        assert in_time(collector, name, answer) == 7
        assert {event["message_id"] for event in events_of(collector, name)} == set(json.loads(answer.body)["ids"])
    assert len(collector.events) == 56
    assert collector.problems == []


def test_pool_threads_leak_nothing_into_the_next_request(deploy: Deploy, collector: LocalCollector) -> None:
    """Requests one after the other on one thread of the server each send their own events only."""
    instance = deploy("sync", "http_below", THREADS="1")

    for number in range(4):
        collector.clear()
        ask(instance, f"request-{number}", 2)

        assert {event["properties"]["request"] for event in collector.events} == {f"request-{number}"}


def test_flush_does_not_stall_the_event_loop(deploy: Deploy, collector: LocalCollector) -> None:
    """While the server takes a second for each answer, an asynchronous function's flush leaves the loop running."""
    collector.delay = 1.0
    instance = deploy("aio", "clock")

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda name: ask(instance, name, 2), ["a", "b", "c"]))
        longest = json.loads(pool.submit(ask, instance, "last", 2).result().body)["longest"]

    assert [answer.status for answer in answers] == [200] * 3
    # The loop stands still between requests, as there is no CPU: all of this was one stretch of requests.
    assert longest < 0.5
