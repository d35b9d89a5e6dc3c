"""The counts of results and totals hold, however many threads flush, track and end scopes at once."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda import DeliveryError, FlushResult, FormoAnalytics
from formo_lambda.transport.protocol import Response
from tests.promises.faults.waiting import wait_until
from tests.promises.stress import Stress, switching_often, two_others_open

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_THREADS = 8
_SECONDS = 1.0


class HandlerError(Exception):
    """What the blocks here are left by."""


class Accepting:
    """A transport that takes everything at once."""

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Take it."""
        return Response(200)


class HeldOnce:
    """Holds the first request back until it is told to go on, and answers it with 503.

    Args:
        later: The status of every later answer.

    Attributes:
        begun: Set once the first request has come.
        go: Set to let it be answered.
        accepted: The names of the events that were accepted.
    """

    def __init__(self, later: int) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.accepted: list[str] = []
        self._later = later

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Fail, the first time late."""
        if not self.begun.is_set():
            self.begun.set()
            self.go.wait(min(timeout, 10.0))
            return Response(503)
        if self._later == 200:
            self.accepted += [event["event"] for event in json.loads(body)]
        return Response(self._later)


def run_for_a_while(*works: Callable[[], None]) -> None:
    """Repeat each work on a thread of its own."""
    end = time.monotonic() + _SECONDS

    def repeat(work: Callable[[], None]) -> None:
        while time.monotonic() < end:
            work()

    threads = [threading.Thread(target=repeat, args=[work], daemon=True) for work in works]
    with switching_often():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20.0)
            assert not thread.is_alive()


@pytest.fixture
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Have no line logged for each invalid event: logging would take most of the time."""
    caplog.set_level(logging.CRITICAL, "formo_lambda")


# -- sums --------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_quiet")
def test_invalid_events_of_all_results_add_up() -> None:
    """While threads track invalid events and others flush, each is told in one result: none twice, none in none."""
    client = FormoAnalytics("a-key", transport=Accepting(), on_invalid="log", handle_signals=False)
    results: list[FlushResult] = []

    def invalid() -> None:
        for _ in range(5):
            client.track("")

    def flush() -> None:
        results.append(client.flush())

    run_for_a_while(*[invalid] * (_THREADS // 2), *[flush] * (_THREADS // 2))
    results.append(client.flush())
    assert sum(result.invalid for result in results) == client.stats.invalid
    assert client.stats.invalid > 1_000


@pytest.mark.usefixtures("_quiet")
def test_invalid_events_are_counted_by_every_thread() -> None:
    """The total is the number of calls that were refused, whoever else was refused at the same moment."""
    client = FormoAnalytics("a-key", transport=Accepting(), on_invalid="log", handle_signals=False)
    calls = [0] * _THREADS

    def invalid_of(number: int) -> Callable[[], None]:
        def invalid() -> None:
            client.track("")
            calls[number] += 1

        return invalid

    run_for_a_while(*(invalid_of(number) for number in range(_THREADS)))
    assert client.stats.invalid == sum(calls) == client.flush().invalid


def test_discarded_events_of_all_results_add_up() -> None:
    """While invocations are discarded and others flush, each discarded event is told in one result."""
    client = FormoAnalytics("a-key", transport=Accepting(), handle_signals=False)
    results: list[FlushResult | None] = []

    def discard() -> None:
        run = client.invocation(on_exception="discard")
        with contextlib.suppress(HandlerError), run:
            client.track("Dropped")
            raise HandlerError
        results.append(run.result)

    def flush() -> None:
        results.append(client.flush())

    with two_others_open(client):
        run_for_a_while(*[discard] * (_THREADS // 2), *[flush] * (_THREADS // 2))
        results.append(client.flush())
    assert sum(result.discarded for result in results if result) == client.stats.discarded == client.stats.tracked
    assert client.stats.discarded > 100


def test_no_reading_misses_what_scopes_hand_over() -> None:
    """While nested scopes join others or are discarded, every reading of the totals holds each event, and no more."""
    client = FormoAnalytics("a-key", transport=Accepting(), flush_at=100, handle_signals=False)
    called, returned = [0] * 3, [0] * 3
    wrong: list[tuple[int, int, int]] = []
    readings = 0

    def track(number: int) -> None:
        for _ in range(20):
            called[number] += 1
            client.track("Counted")
            returned[number] += 1

    def nest_of(number: int) -> Callable[[], None]:
        def nest() -> None:
            with client.invocation():
                with client.invocation():
                    track(number)
                with contextlib.suppress(HandlerError), client.invocation(on_exception="discard"):
                    track(number)
                    raise HandlerError

        return nest

    def read() -> None:
        nonlocal readings
        least = sum(returned)
        tracked = client.stats.tracked
        most = sum(called)
        readings += 1
        if not least <= tracked <= most:
            wrong.append((least, tracked, most))

    run_for_a_while(*(nest_of(number) for number in range(len(called))), read)
    assert wrong == []
    assert readings > 50


# -- results that tell the truth ---------------------------------------------------------------------------------------


def test_a_flush_that_is_well_has_delivered() -> None:
    """Under stress: a flush by name that is `ok` has had each event of its scopes accepted, else it tells of them."""
    stress = Stress(4, nests=True, flush_at=100)  # nothing leaves early, to be told of in another result
    stress.run(3.0)
    assert len(stress.told) > 10
    for result, taken, missing in stress.told:
        if result.ok:
            assert missing == 0
        assert result.sent + result.undelivered + result.retained >= taken


def test_a_result_with_errors_is_not_well_under_stress() -> None:
    """Whatever happens at once, no result has errors and says that all is well."""
    stress = Stress(5, nests=True)
    stress.run(2.0)
    assert len(stress.told) > 50
    for result, _, _ in stress.told:
        assert not (result.ok and result.errors)


@pytest.mark.parametrize("transient", [True, False])
def test_a_result_with_errors_is_not_well(transient: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    """An error in a result tells of events that were not delivered, so all is not well."""
    error = DeliveryError("a reason", count=1, transient=transient)
    assert not FlushResult(sent=1, errors=(error,)).ok


@pytest.mark.parametrize("nests", [True, False])
def test_what_failed_early_is_retained_in_the_result(nests: bool) -> None:  # noqa: FBT001 -- likewise
    """An invocation whose events all left early and failed is not well: its result says retained, and why."""

    class Failing:
        def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
            return Response(503)

    client = FormoAnalytics("a-key", transport=Failing(), retry_count=0, handle_signals=False)
    with client.invocation() as run:
        if nests:
            with client.invocation():
                _track(client, 20)
        else:
            _track(client, 20)
        wait_until(lambda: client.stats.retained == 20)
    assert run.result is not None
    assert (run.result.sent, run.result.retained, run.result.ok) == (0, 20, False)
    assert [error.status for error in run.result.errors] == [503]


def test_what_failed_early_and_arrived_is_no_error() -> None:
    """An invocation whose events failed early, and were delivered by a flush by name before its end, is well."""
    transport = HeldOnce(200)
    transport.go.set()
    client = FormoAnalytics("a-key", transport=transport, retry_count=0, handle_signals=False)
    with client.invocation() as run:
        _track(client, 20)
        wait_until(lambda: client.stats.retained == 20)
        assert client.flush().sent == 20
    assert run.result is not None
    assert (run.result.retained, run.result.undelivered, run.result.errors, run.result.ok) == (0, 0, (), True)


def _track(client: FormoAnalytics, count: int) -> None:
    for _ in range(count):
        client.track("Counted")


@pytest.mark.parametrize("later", [200, 503, 401])
@pytest.mark.parametrize("way", ["flush", "invocation"])
def test_a_failure_while_another_flush_joined_is_told_to_both(way: str, later: int) -> None:
    """Of an event answered 503 while a second flush waits for it, both results say where it is."""
    transport = HeldOnce(later)
    client = FormoAnalytics("a-key", transport=transport, retry_count=0, flush_timeout=5.0, handle_signals=False)
    results: list[FlushResult | None] = []

    def first() -> None:
        if way == "flush":
            client.track("Failed")
            results.append(client.flush())
            return
        with client.invocation() as run:
            client.track("Failed")
        results.append(run.result)

    flushing = threading.Thread(target=first)
    flushing.start()
    assert transport.begun.wait(5.0)
    joined: list[FlushResult] = []
    joining = threading.Thread(target=lambda: joined.append(client.flush()))
    joining.start()
    time.sleep(0.1)  # nothing that a user can see says that it waits
    transport.go.set()
    for thread in (flushing, joining):
        thread.join(10.0)
        assert not thread.is_alive()
    for result in (*results, *joined):
        assert result is not None
        assert result.sent + result.retained + result.undelivered >= 1
        assert not (result.ok and not result.sent)
        assert result.ok is not bool(result.errors)
        # What is sent is claimed only of what was accepted.
        assert result.sent <= len(transport.accepted)
    (second,) = joined
    assert (second.sent, second.retained, second.undelivered) == {
        200: (1, 0, 0),
        503: (0, 1, 0),
        401: (0, 0, 1),
    }[later]
    client.close()
