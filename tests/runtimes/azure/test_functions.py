"""Decorated functions in the worker library of Azure Functions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda.testing import LocalCollector
from tests.runtimes.azure.host import FunctionsHost
from tests.runtimes.environments import interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runtimes.azure.host import Invocation

APPS = Path(__file__).parent / "apps"
KEY = "a-write-key"


@pytest.fixture(scope="module")
def ingest() -> Iterator[LocalCollector]:
    """An ingest server for all tests of the module."""
    with LocalCollector(write_key=KEY) as collector:
        yield collector


@pytest.fixture
def collector(ingest: LocalCollector) -> LocalCollector:
    """The ingest server, empty and well; it takes 30 ms for an answer, so that what leaves late is seen to be late."""
    ingest.clear()
    ingest.respond_with()
    ingest.delay = 0.03
    return ingest


@pytest.fixture(scope="module")
def host(ingest: LocalCollector) -> Iterator[FunctionsHost]:
    """The app whose functions send to the ingest server."""
    environment = {"FORMO_WRITE_KEY": KEY, "FORMO_EVENTS_BASE_URL": ingest.url}
    with FunctionsHost(interpreter("azure", "3.13"), APPS / "swaps", environment=environment) as host:
        yield host


def swaps(name: str, count: int = 5) -> dict[str, Any]:
    """The request that has a function track swaps."""
    return {"name": name, "count": count}


def events_of(collector: LocalCollector, name: str) -> list[dict[str, Any]]:
    """Return the swaps of one invocation, each once."""
    return [event for event in collector.unique_events if event["properties"]["invocation"] == name]


def in_time(collector: LocalCollector, name: str, invocation: Invocation) -> int:
    """Count the swaps of an invocation that had arrived when its worker had the result."""
    times = [collector.arrived_at(event["message_id"]) for event in events_of(collector, name)]
    return sum(time <= invocation.answered for time in times)


@pytest.mark.parametrize("function", ["sync", "coroutine", "renamed"])
def test_every_event_arrives_before_the_result(function: str, host: FunctionsHost, collector: LocalCollector) -> None:
    """In each of several invocations of a sync or async function all its events arrive before its result."""
    for number in range(3):
        invocation = host.invoke(function, swaps(f"{number}"))

        assert (invocation.status, invocation.http_status) == ("Success", 200), invocation.trace
        assert in_time(collector, f"{number}", invocation) == 5
        assert invocation.body["ids"] == [event["message_id"] for event in events_of(collector, f"{number}")]
    assert len(collector.events) == 15
    assert collector.problems == []


def test_function_gets_the_context(host: FunctionsHost, collector: LocalCollector) -> None:
    """A function that asks for the context by its annotation gets it, decorated as well."""
    invocation = host.invoke("with_context", swaps("context"))

    assert invocation.body["function"] == "with_context"
    assert in_time(collector, "context", invocation) == 5


def test_function_without_a_result_returns_none(host: FunctionsHost, collector: LocalCollector) -> None:
    """A function of a queue, which may return nothing, still returns nothing, and its events have arrived."""
    invocation = host.invoke("queued", swaps("queued"), parameter="message")

    assert (invocation.status, in_time(collector, "queued", invocation)) == ("Success", 5), invocation.trace


@pytest.mark.parametrize("function", ["fail", "fail_async"])
def test_failing_function_fails_as_without_us(function: str, host: FunctionsHost, collector: LocalCollector) -> None:
    """The worker reports the function's own exception, traced to its line, and its events have arrived."""
    invocation = host.invoke(function, swaps("failing"))

    assert (invocation.status, invocation.error) == ("Failure", "LookupError: no such pool")
    assert invocation.trace is not None
    assert 'raise LookupError("no such pool")' in invocation.trace
    assert in_time(collector, "failing", invocation) == 5


def test_retried_message_is_counted_once(host: FunctionsHost, collector: LocalCollector) -> None:
    """A message that the host hands out again after a failure yields the same message ids, with `idempotency`."""
    for retry in range(3):
        host.invoke("queued_once", swaps("again"), parameter="message", retry=retry)

    assert (len(collector.events), len(collector.unique_events)) == (15, 5)


@pytest.mark.parametrize("function", ["slow_sync", "slow_async"])
def test_eight_invocations_at_once_keep_their_events_apart(
    function: str, host: FunctionsHost, collector: LocalCollector
) -> None:
    """Of eight invocations in one process each answers with its own events delivered, none lost, none twice."""
    names = [f"{function}-{number}" for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        invocations = list(pool.map(lambda name: host.invoke(function, swaps(name, 7)), names))

    for name, invocation in zip(names, invocations, strict=True):
        assert in_time(collector, name, invocation) == 7
        assert {event["message_id"] for event in events_of(collector, name)} == set(invocation.body["ids"])
    assert len(collector.events) == 56


def test_event_loop_is_never_stalled(host: FunctionsHost, collector: LocalCollector) -> None:
    """While the server takes a second for each answer, the flushes of async functions leave the loop running."""
    collector.delay = 1.0

    with ThreadPoolExecutor(4) as pool:
        invocations = list(pool.map(lambda name: host.invoke("coroutine", swaps(name)), "abcd"))

    assert [invocation.status for invocation in invocations] == ["Success"] * 4
    assert max(invocation.longest_pause for invocation in invocations) < 0.5
    assert (
        max(invocation.answered for invocation in invocations)
        - min(collector.arrived_at(event["message_id"]) for event in collector.events)
        > 0.9
    )  # the server really took its time


@pytest.mark.parametrize("app", ["above_route", "above_queue"])
def test_wrong_order_of_decorators_is_refused(app: str) -> None:
    """Above a decorator of Azure's, where ours would silently do nothing, it fails and says where to put it."""
    host = FunctionsHost(interpreter("azure", "3.13"), APPS / app)
    error = host.start()
    host.close()

    assert error is not None
    assert error.startswith("TypeError: formo_flush must stand below the decorators of Azure Functions")
