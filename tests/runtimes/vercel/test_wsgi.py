"""WSGI functions in Vercel's runtime."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.runtimes.timeline import acknowledged

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.testing import LocalCollector
    from tests.runtimes.vercel.runtime import VercelRuntime

    Function = Callable[[str, str], VercelRuntime]


def test_bare_function_with_a_list_delivers_before_its_body(function: Function, collector: LocalCollector) -> None:
    """A bare function that returns a list has delivered its event before the first byte of the body."""
    with function("bare_wsgi.py", "app") as runtime:
        answer = runtime.request("/list/one")

    assert answer.body == b"list"
    assert acknowledged(collector, "one")[0] <= answer.first_byte


@pytest.mark.parametrize("kind", ["stream", "sized"])
def test_bare_function_with_a_stream_delivers_before_the_end(
    function: Function, collector: LocalCollector, kind: str
) -> None:
    """A stream is not read ahead; what it tracks leaves before the response is complete, or at its close."""
    with function("bare_wsgi.py", "app") as runtime:
        answer = runtime.request(f"/{kind}/one")

    assert answer.body == b"one two three"
    times = acknowledged(collector, "one")
    assert answer.first_byte < times[0]
    assert max(times[0], times[1]) <= answer.last_byte
    assert times[1] < times[2] <= answer.ended
    assert collector.problems == []


def test_flask_object_delivers_before_the_last_byte(function: Function, collector: LocalCollector) -> None:
    """A decorated Flask object has delivered the events of a view before the response is complete."""
    with function("flask_app.py", "app") as runtime:
        answer = runtime.request("/fixed/one")

    assert answer.body == b"fixed"
    assert acknowledged(collector, "one")[0] <= answer.last_byte


def test_flask_stream_delivers_before_the_last_byte(function: Function, collector: LocalCollector) -> None:
    """A Flask stream is not read ahead, and its last events are delivered before the connection is closed."""
    with function("flask_app.py", "app") as runtime:
        answer = runtime.request("/stream/one")

    times = acknowledged(collector, "one")
    assert answer.body == b"one two"
    assert answer.first_byte < times[0]
    assert max(times.values()) <= answer.last_byte


def test_parallel_requests_send_their_own_events(function: Function, collector: LocalCollector) -> None:
    """Eight requests at once each get their last byte after their own events were delivered."""
    names = [f"request-{number}" for number in range(8)]
    with function("flask_app.py", "app") as runtime, ThreadPoolExecutor(8) as pool:
        answers = dict(zip(names, pool.map(lambda name: runtime.request(f"/stream/{name}"), names), strict=True))

    for name, answer in answers.items():
        assert sorted(acknowledged(collector, name)) == [0, 1]
        assert max(acknowledged(collector, name).values()) <= answer.last_byte
