"""ASGI functions in Vercel's runtime."""

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


def test_bare_function_delivers_before_the_last_byte_and_the_rest_before_the_end(
    function: Function, collector: LocalCollector
) -> None:
    """A bare function's events leave before the body is complete, those tracked after it before the end."""
    with function("bare_asgi.py", "app") as runtime:
        answer = runtime.request("/one")

    assert answer.body == b"one two"
    times = acknowledged(collector, "one")
    assert answer.first_byte < times[0]
    assert max(times[0], times[1]) <= answer.last_byte < times[2] <= answer.ended
    assert collector.problems == []


def test_background_tasks_deliver_before_the_end(function: Function, collector: LocalCollector) -> None:
    """An endpoint's events are delivered before the last byte, those of its background task before the end."""
    with function("fastapi_app.py", "app") as runtime:
        answer = runtime.request("/swap/one")

    times = acknowledged(collector, "one")
    assert times[0] <= answer.last_byte < times[1] <= answer.ended


def test_endpoint_in_a_worker_thread_belongs_to_its_request(function: Function, collector: LocalCollector) -> None:
    """What a synchronous endpoint tracks, in a worker thread, is delivered before the last byte."""
    with function("fastapi_app.py", "app") as runtime:
        answer = runtime.request("/threaded/one")

    assert acknowledged(collector, "one")[0] <= answer.last_byte


@pytest.mark.parametrize(("file", "path"), [("bare_asgi.py", ""), ("fastapi_app.py", "/swap")])
def test_parallel_requests_share_the_loop(function: Function, collector: LocalCollector, file: str, path: str) -> None:
    """Eight requests at once each deliver their own events, and none waits for another's flush."""
    names = [f"request-{number}" for number in range(8)]
    collector.delay = 0.25
    with function(file, "app") as runtime, ThreadPoolExecutor(8) as pool:
        runtime.request(f"{path}/warm-up")
        started = time.monotonic()
        answers = dict(zip(names, pool.map(lambda name: runtime.request(f"{path}/{name}"), names), strict=True))
        elapsed = time.monotonic() - started

    for name, answer in answers.items():
        times = acknowledged(collector, name)
        assert times[0] <= answer.last_byte
        assert max(times.values()) <= answer.ended
    assert elapsed < 8 * 2 * collector.delay / 2


def test_flush_keeps_to_the_deadline_of_the_runtime(function: Function, collector: LocalCollector) -> None:
    """With a server that hangs, the invocation ends before the deadline that the runtime tells."""
    collector.delay = 30.0
    with function("fastapi_app.py", "app") as runtime:
        started = time.monotonic()
        answer = runtime.request("/swap/one", seconds=1.0)

    assert answer.status == 200
    assert answer.ended - started < 1.0
