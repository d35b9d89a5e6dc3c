"""A signal handler that raises at each single step of a flush: it passes, and no event is lost or counted twice."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

import formo_lambda
from formo_lambda import FormoAnalytics
from formo_lambda.delivery.deadline import Deadline
from formo_lambda.delivery.queue import pending
from formo_lambda.delivery.tally import Tally
from formo_lambda.testing import LocalCollector
from tests.promises.faults.waiting import wait_until
from tests.promises.signals import SIGNAL, handled_by, raising

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

PACKAGE = formo_lambda.__file__.rpartition("__init__")[0]
#: Above this every case would be one too many: the flush does not end by itself.
MOST_STEPS = 2_000


class Stop(BaseException):
    """What the signal handler raises."""


@pytest.fixture(scope="module")
def collector() -> Iterator[LocalCollector]:
    """A server that takes everything at once."""
    with LocalCollector() as server:
        yield server


@pytest.fixture(autouse=True)
def _raising() -> Iterator[None]:
    pending.clear()  # What clients of other tests have left makes each flush longer, by steps that are not its own.
    with handled_by(raising(Stop)):
        yield


def raise_at(step: int) -> Callable[[], bool]:
    """Have the signal come at a step of the library's: a function begins, or one in C returns; tell whether it came."""
    left = step

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        if event in ("call", "c_return") and frame.f_code.co_filename.startswith(PACKAGE):
            left -= 1
            if left == 0:
                sys.setprofile(None)
                signal.raise_signal(SIGNAL)

    sys.setprofile(profile)
    return lambda: left <= 0


def flush(client: FormoAnalytics) -> None:
    """Flush what was tracked outside any invocation."""
    client.flush()


def invocation(client: FormoAnalytics) -> None:
    """End an invocation, which sends what was tracked outside as well."""
    with client.invocation():
        client.track("Inside")


def aflush(client: FormoAnalytics) -> None:
    """Flush on an event loop."""
    asyncio.run(client.aflush())


def after_an_outage(client: FormoAnalytics) -> None:
    """Send what is retained together with what is new."""
    client._queue.breaker.failed(time.monotonic())
    with client.invocation():
        client.track("Retained")
    client._queue.breaker.answered()
    client.flush()


def probe(client: FormoAnalytics) -> None:
    """End an invocation while the breaker is half-open."""
    client._queue.breaker.failed(time.monotonic() - 3600.0)
    with client.invocation():
        client.track("Probe")


def on_top_of_a_request(client: FormoAnalytics) -> None:
    """Flush while the frame that is interrupted sends a request: its events are sent anew."""
    queue, tally, now = client._queue, Tally(explicit=True), time.monotonic()
    queue.begin(tally, [queue.own], Deadline.after(5.0), [], now)
    queue.take(tally, Deadline.after(5.0), now)
    client.flush()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Python keeps what is raised in __del__
@pytest.mark.parametrize("way", [flush, invocation, aflush, after_an_outage, probe, on_top_of_a_request])
def test_an_exception_at_any_step_loses_nothing(
    collector: LocalCollector, way: Callable[[FormoAnalytics], None]
) -> None:
    """Whatever step it comes at, the next flush sends what is left: all arrives, and the totals say so."""
    for step in range(1, MOST_STEPS):
        collector.clear()
        # A key of its own: what an earlier client's request left on its way may arrive later.
        client = FormoAnalytics(f"key-{step}", api_host=collector.url, handle_signals=False)
        for number in range(3):
            client.track("Outside", properties={"number": number})
        came = raise_at(step)
        try:
            with contextlib.suppress(Stop):
                way(client)
        finally:
            sys.setprofile(None)
        assert client.flush().ok, step
        stats = client.stats
        requests = [each for each in collector.requests if each.headers["authorization"] == f"Bearer key-{step}"]
        events = [event for request in requests for event in request.events]
        assert stats.tracked == stats.sent == len({event["message_id"] for event in events}), (step, stats)
        outside = {event["properties"]["number"] for event in events if event["event"] == "Outside"}
        assert outside == {0, 1, 2}, step
        if not came():
            return
    pytest.fail("it has no end")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_given_up_is_handed_over_whatever_step_an_exception_comes_at() -> None:
    """Events that the server refuses reach `on_undelivered`, once."""
    with LocalCollector() as collector:
        collector.respond_with(422, forever=True)
        for step in range(1, MOST_STEPS):
            handed: list[Any] = []
            client = FormoAnalytics(
                "key",
                api_host=collector.url,
                handle_signals=False,
                on_undelivered=lambda events, _, into=handed: into.extend(events),  # type: ignore[misc]
            )
            ids = [client.track("Refused") for _ in range(3)]
            came = raise_at(step)
            try:
                with contextlib.suppress(Stop):
                    client.flush()
            finally:
                sys.setprofile(None)
            client.flush()
            wait_until(lambda: len(handed) >= 3)  # noqa: B023 -- it is called at once
            assert [event["message_id"] for event in handed] == ids, step
            assert client.stats.undelivered == 3, step
            client.close()
            if not came():
                return
    pytest.fail("it has no end")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_flush_waits_for_a_connection_that_nobody_opens() -> None:
    """An exception at whatever step of the first `track()` of an invocation: its flush ends well, and soon."""
    with LocalCollector() as collector:
        for step in range(1, MOST_STEPS):
            client = FormoAnalytics("key", api_host=collector.url, handle_signals=False)
            client._queue.endpoint.start_over()  # type: ignore[attr-defined] # as in a new process
            run = client.invocation(timeout=20.0)
            began = time.monotonic()
            with run:
                came = raise_at(step)
                try:
                    with contextlib.suppress(Stop):
                        client.track("First")
                finally:
                    sys.setprofile(None)
            assert run.result is not None
            assert run.result.ok, step
            assert time.monotonic() - began < 5.0, step
            client.close()
            if not came():
                return
    pytest.fail("it has no end")
