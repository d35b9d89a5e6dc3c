"""A decorated class of request handlers in Vercel's runtime."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.runtimes.timeline import acknowledged

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.testing import LocalCollector
    from tests.runtimes.vercel.runtime import VercelRuntime

    Function = Callable[[str, str], VercelRuntime]


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH"])
def test_events_are_delivered_after_the_last_byte_and_before_the_end(
    function: Function, collector: LocalCollector, method: str
) -> None:
    """A method of the class, an inherited one, one by super() and one by __getattr__ flush between answer and end."""
    with function("class_handler.py", "handler") as runtime:
        answer = runtime.request("/one", method=method)

    assert answer.body == f"{method} one".encode()
    times = acknowledged(collector, "one")
    assert sorted(times) == [0, 1]
    assert answer.last_byte < min(times.values())
    assert max(times.values()) <= answer.ended
    assert len(collector.requests) == 1
    assert collector.problems == []


def test_events_of_a_failing_method_are_delivered_before_the_end(function: Function, collector: LocalCollector) -> None:
    """When a method raises, its events are delivered before the end, and the runtime reports its exception."""
    with function("class_handler.py", "handler") as runtime:
        answer = runtime.request("/failing")
        assert runtime.has_logged("LookupError: no such pool")

    assert sorted(acknowledged(collector, "failing")) == [0, 1]
    assert max(acknowledged(collector, "failing").values()) <= answer.ended


def test_unknown_method_is_refused_as_without_us(function: Function, collector: LocalCollector) -> None:
    """A method that the class does not have is answered by the runtime, and nothing is sent."""
    with function("class_handler.py", "handler") as runtime:
        answer = runtime.request("/one", method="OPTIONS")

    assert answer.status == 501
    assert collector.requests == []


def test_parallel_requests_send_their_own_events(function: Function, collector: LocalCollector) -> None:
    """Eight requests at once each end after their own events were delivered."""
    names = [f"request-{number}" for number in range(8)]
    with function("class_handler.py", "handler") as runtime, ThreadPoolExecutor(8) as pool:
        answers = dict(zip(names, pool.map(lambda name: runtime.request(f"/{name}"), names), strict=True))

    for name, answer in answers.items():
        times = acknowledged(collector, name)
        assert sorted(times) == [0, 1]
        assert max(times.values()) <= answer.ended
    assert len(collector.events) == 16


def test_flush_keeps_to_the_deadline_of_the_runtime(function: Function, collector: LocalCollector) -> None:
    """With a server that hangs, the invocation ends before the deadline that the runtime tells."""
    collector.delay = 30.0
    with function("class_handler.py", "handler") as runtime:
        started = time.monotonic()
        answer = runtime.request("/slow", seconds=1.2)

    assert answer.ended - started < 1.2


def test_flush_without_a_deadline_takes_its_own_time(function: Function, collector: LocalCollector) -> None:
    """With a server that hangs and no deadline, the invocation ends when the flush's own time is over."""
    collector.delay = 30.0
    with function("class_handler.py", "handler") as runtime:
        started = time.monotonic()
        answer = runtime.request("/one")

    assert 1.9 < answer.ended - started < 3.0
