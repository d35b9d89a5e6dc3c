"""Every kind of function that Google's framework calls, on its server, without CPU after the answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.runtimes.google.arrivals import ask, events_of, in_time, post_background, post_event, post_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.testing import LocalCollector
    from tests.runtimes.google.conftest import Deploy
    from tests.runtimes.google.service import Answer, CloudRunInstance

    Post = Callable[[CloudRunInstance, str, int], Answer]

KINDS: list[tuple[str, str, str, Post]] = [
    ("sync", "bare", "http", ask),
    ("sync", "http_above", "http", ask),
    ("sync", "http_below", "http", ask),
    ("sync", "cloud_event_above", "http", post_event),
    ("sync", "cloud_event_below", "http", post_event),
    ("sync", "background", "event", post_background),
    ("typed", "typed_above", "http", post_json),
    ("typed", "typed_below", "http", post_json),
    ("sync", "async_inside", "http", ask),
    ("aio", "http_above", "http", ask),
    ("aio", "http_below", "http", ask),
    ("aio", "http_sync", "http", ask),
    ("aio", "cloud_event_above", "http", post_event),
    ("aio", "cloud_event_below", "http", post_event),
    ("aio", "cloud_event_sync", "http", post_event),
]


@pytest.mark.parametrize(("source", "target", "signature", "post"), KINDS)
def test_every_event_arrives_before_the_answer(
    source: str, target: str, signature: str, post: Post, deploy: Deploy, collector: LocalCollector
) -> None:
    """Whatever the signature and the order of the decorators, the events of a request arrive before its answer."""
    instance = deploy(source, target, signature=signature)

    for number in range(3):
        answer = post(instance, f"request-{number}", 5)

        assert (answer.status, in_time(collector, f"request-{number}", answer)) == (200, 5), instance.log
        time.sleep(0.1)  # without CPU

    assert len(collector.unique_events) == len(collector.events) == 15
    assert collector.problems == []


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
@pytest.mark.parametrize("source", ["sync", "aio"])
def test_every_version_of_python(source: str, version: str, deploy: Deploy, collector: LocalCollector) -> None:
    """The events of a request arrive before its answer on every version of Python that the platform offers."""
    instance = deploy(source, "http_above", version=version)

    answer = ask(instance, "only", 5)

    assert (answer.status, in_time(collector, "only", answer)) == (200, 5)


@pytest.mark.parametrize("source", ["sync", "aio"])
def test_failing_function_fails_as_without_us(source: str, deploy: Deploy, collector: LocalCollector) -> None:
    """The function's exception reaches the framework, which reports a crash, and its events arrive before that."""
    instance = deploy(source, "fail")

    answer = ask(instance, "failing", 5)

    assert (answer.status, in_time(collector, "failing", answer)) == (500, 5)
    assert {name.lower(): value for name, value in answer.headers.items()}["x-google-status"] == "crash"
    assert "LookupError: no such pool" in instance.log


def test_request_without_events_sends_nothing(deploy: Deploy, collector: LocalCollector) -> None:
    """A request that tracks nothing makes no connection."""
    before = collector.connections
    instance = deploy("sync", "http_below")

    assert ask(instance, "idle", 0).status == 200
    assert collector.connections == before


def test_shutdown_delivers_what_was_retained(deploy: Deploy, collector: LocalCollector) -> None:
    """Events of an outage leave when the instance is shut down, and the server ends as it does without us."""
    collector.respond_with(503, forever=True)
    instance = deploy("sync", "http_below")
    ask(instance, "unlucky", 5)
    collector.respond_with()

    status = instance.terminate()

    assert (status, len(events_of(collector, "unlucky"))) == (0, 5)


def test_a_wrong_key_is_said_without_logging_set_up(ingest: LocalCollector, deploy: Deploy) -> None:
    """One line in the log of the service, which says what to do."""
    ingest.respond_with(401)
    instance = deploy("sync", "bare")
    assert ask(instance, "wrong", 2).status == 200
    (line,) = [line for line in instance.log.splitlines() if "HTTP 401" in line]
    assert line.startswith("2 events lost: ")
