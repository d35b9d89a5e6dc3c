"""Decorated handlers under AWS's own runtime client, frozen between invocations as Lambda freezes them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda.testing import LocalCollector
from tests.runtimes.sandbox import LambdaSandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.runtimes.runtime_api import Invocation

HANDLERS = Path(__file__).parent / "handlers"
KEY = "a-write-key"


@pytest.fixture(params=["http", "https"])
def any_collector(request: pytest.FixtureRequest) -> Iterator[LocalCollector]:
    """An ingest server, over http and then over https."""
    with LocalCollector(write_key=KEY, tls=request.param == "https") as collector:
        yield collector


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    """An ingest server."""
    with LocalCollector(write_key=KEY) as collector:
        yield collector


def sandbox_for(handler: str, collector: LocalCollector) -> LambdaSandbox:
    """A function whose events go to the collector, configured by its environment alone."""
    environment = {"FORMO_WRITE_KEY": KEY, "FORMO_EVENTS_BASE_URL": collector.url}
    if collector.ca_file is not None:
        environment["SSL_CERT_FILE"] = collector.ca_file
    return LambdaSandbox(f"swaps.{handler}", directory=HANDLERS, environment=environment)


def swaps(name: str, count: int) -> dict[str, Any]:
    """The event that has a handler track `count` swaps."""
    return {"name": name, "count": count}


def arrivals(collector: LocalCollector, name: str) -> list[float]:
    """When the swaps of one invocation were taken for the first time."""
    return [
        collector.arrived_at(event["message_id"])
        for event in collector.unique_events
        if event["properties"]["invocation"] == name
    ]


def all_before_answer(collector: LocalCollector, invocation: Invocation) -> bool:
    """Whether every swap of the invocation had arrived when its caller got an answer."""
    times = arrivals(collector, invocation.event["name"])
    assert invocation.answered is not None
    return len(times) == invocation.event["count"] and max(times) <= invocation.answered


def test_every_event_arrives_before_the_response(any_collector: LocalCollector) -> None:
    """In each of several invocations of one process all its events have arrived when its response is posted."""
    with sandbox_for("finish", any_collector) as sandbox:
        for number, count in enumerate([1, 2, 7, 3]):
            invocation = sandbox.invoke(swaps(f"invocation {number}", count))

            assert all_before_answer(any_collector, invocation)
            assert invocation.response["ids"] == [event["message_id"] for event in any_collector.events[-count:]]
            sandbox.keep_frozen(0.1)

    assert any_collector.problems == []
    assert any_collector.events == any_collector.unique_events


def test_no_event_waits_for_the_next_invocation(collector: LocalCollector) -> None:
    """Each invocation sends its own events only: nothing arrives in a freeze, and nothing late in the next one."""
    with sandbox_for("finish", collector) as sandbox:
        invocations = []
        for number in range(3):
            invocations.append(sandbox.invoke(swaps(f"invocation {number}", 2)))
            sandbox.keep_frozen(0.1)

    for invocation in invocations:
        assert invocation.handed_out is not None
        assert invocation.frozen is not None
        of_this = [
            request for request in collector.requests if invocation.handed_out <= request.arrived <= invocation.frozen
        ]
        names = {event["properties"]["invocation"] for request in of_this for event in request.events}
        assert names == {invocation.event["name"]}
    assert len(collector.events) == 6


def test_connection_survives_the_freeze(any_collector: LocalCollector) -> None:
    """Successive invocations use one connection, so a warm one pays no new handshake."""
    with sandbox_for("finish", any_collector) as sandbox:
        for number in range(3):
            sandbox.invoke(swaps(f"invocation {number}", 1))
            sandbox.keep_frozen(0.1)

    assert any_collector.connections == 1


def test_invocation_without_events_sends_nothing(collector: LocalCollector) -> None:
    """A handler that tracks nothing makes no request and opens no connection."""
    with sandbox_for("finish", collector) as sandbox:
        assert sandbox.invoke(swaps("idle", 0)).response == {"name": "idle", "ids": []}

    assert collector.connections == 0


@pytest.mark.parametrize("count", [20, 21, 65, 250])
def test_more_events_than_a_batch_arrive_before_the_response(collector: LocalCollector, count: int) -> None:
    """However many events one invocation tracks, all of them have arrived when its response is posted, once each."""
    with sandbox_for("finish", collector) as sandbox:
        invocation = sandbox.invoke(swaps("many", count))

    assert all_before_answer(collector, invocation)
    assert max(Counter(event["message_id"] for event in collector.events).values()) == 1
    assert max(len(request.events) for request in collector.requests) <= 100
    assert collector.problems == []


def test_events_of_a_failing_handler_arrive_before_the_error(collector: LocalCollector) -> None:
    """When the handler raises, its events have arrived when the error is posted, and the process takes the next one."""
    with sandbox_for("fail", collector) as sandbox:
        invocations = [sandbox.invoke(swaps(name, 2)) for name in ("first", "second")]

    assert [all_before_answer(collector, invocation) for invocation in invocations] == [True, True]


def test_error_is_the_handlers_own(collector: LocalCollector) -> None:
    """The posted error has the type and message the handler raised, and its trace ends in the handler."""
    with sandbox_for("fail", collector) as sandbox:
        error = sandbox.invoke(swaps("failing", 1)).error

    assert error is not None
    assert (error["errorType"], error["errorMessage"]) == ("LookupError", "no such pool")
    assert 'raise LookupError("no such pool")' in error["stackTrace"][-1]
    assert len(error["stackTrace"]) <= 2


def test_events_arrive_before_system_exit_ends_the_process(collector: LocalCollector) -> None:
    """When the handler calls sys.exit, its events arrive, and the process ends with its status."""
    with sandbox_for("leave", collector) as sandbox:
        invocation = sandbox.invoke(swaps("leaving", 25))

        assert invocation.exit_status == 3
        assert len(arrivals(collector, "leaving")) == 25


def test_events_of_a_loop_inside_the_handler_arrive_before_the_response(collector: LocalCollector) -> None:
    """Events tracked in a coroutine that the handler runs belong to its invocation."""
    with sandbox_for("run_loop", collector) as sandbox:
        invocation = sandbox.invoke(swaps("loop", 3))

    assert all_before_answer(collector, invocation)


def test_coroutine_function_fails_as_it_does_without_us(collector: LocalCollector) -> None:
    """Lambda runs no coroutine functions: a decorated one gets the same error from the runtime as a bare one."""

    def error_of(handler: str) -> dict[str, Any] | None:
        with sandbox_for(handler, collector) as sandbox:
            return sandbox.invoke(swaps("coroutine", 1)).error

    decorated, bare = error_of("coroutine"), error_of("bare_coroutine")

    assert decorated is not None
    assert bare is not None
    assert decorated["errorType"] == bare["errorType"] == "Runtime.MarshalError"
    assert collector.requests == []


def hang(collector: LocalCollector) -> None:
    """Have the ingest server take a minute for each answer."""
    collector.delay = 60.0


def fail_always(collector: LocalCollector) -> None:
    """Have the ingest server be out of order."""
    collector.respond_with(503, forever=True)


@pytest.mark.parametrize("break_server", [hang, fail_always])
def test_broken_server_does_not_cost_the_invocation(
    collector: LocalCollector, break_server: Callable[[LocalCollector], None]
) -> None:
    """With an ingest server that hangs or fails, the handler's value is still posted within the function's time."""
    break_server(collector)
    with sandbox_for("finish", collector) as sandbox:
        sandbox.start()
        invocation = sandbox.invoke(swaps("unlucky", 3), timeout=1.5)

    assert not invocation.timed_out
    assert invocation.response["name"] == "unlucky"
    assert invocation.answered is not None
    assert invocation.handed_out is not None
    assert invocation.answered - invocation.handed_out < 1.5
