"""The calls of a user's `on_undelivered`: one at a time, in order, bounded, and beside every delivery."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda.delivery.callbacks import Callbacks
from formo_lambda.delivery.workers import workers
from formo_lambda.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def until(condition: Callable[[], object], seconds: float = 3.0) -> bool:
    """Wait for a condition; return whether it came true in time."""
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.002)
    return bool(condition())


class Sink:
    """A user's function, which takes as long as the test wants.

    Attributes:
        numbers: The numbers of the events of each call, in the order of the calls.
        errors: The reason of each call.
        rows: Every event, as it came.
        threads: The thread of each call.
        most: How many calls were made at the same time, at most.
        go_on: Lets the calls end.
        then: Is called in each call.
    """

    def __init__(self) -> None:
        self.numbers: list[list[int]] = []
        self.errors: list[Exception] = []
        self.rows: list[dict[str, Any]] = []
        self.threads: list[threading.Thread] = []
        self.most = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.then: Callable[[], object] = lambda: None
        self._running = 0

    def __call__(self, events: list[dict[str, Any]], error: Exception) -> None:
        """Take what was given up."""
        self._running += 1
        self.most = max(self.most, self._running)
        self.numbers.append([event["n"] for event in events])
        self.errors.append(error)
        self.rows += events
        self.threads.append(threading.current_thread())
        try:
            assert self.go_on.wait(10.0)
            self.then()
        finally:
            self._running -= 1


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A user's function."""
    made = Sink()
    yield made
    made.go_on.set()


@pytest.fixture
def callbacks(sink: Sink) -> Callbacks:
    """The calls of that function."""
    return Callbacks(sink, threading.RLock())


def add(callbacks: Callbacks, *numbers: int, reason: str = "refused") -> None:
    """Give events with these numbers up, for one reason."""
    with callbacks._lock:
        events = [b'{"n":%d' % number for number in numbers]
        deque(callbacks.handing_over(events, DeliveryError(reason, count=len(numbers))), maxlen=0)


@pytest.fixture
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread can be started."""
    monkeypatch.setattr(workers, "submit", lambda *_, **__: False)


def test_a_call_gets_the_events_and_the_reason(callbacks: Callbacks, sink: Sink) -> None:
    """The events are dicts as they would have been sent, and the reason is an exception."""
    add(callbacks, 1, 2, reason="as expected")
    callbacks.start()
    assert until(callbacks.idle)
    assert sink.numbers == [[1, 2]]
    assert all(row.keys() == {"n", "sent_at"} for row in sink.rows)
    assert isinstance(sink.errors[0], DeliveryError)
    assert "as expected" in str(sink.errors[0])


def test_calls_are_made_on_a_worker(callbacks: Callbacks, sink: Sink) -> None:
    """Whoever gave events up goes on."""
    sink.go_on.clear()
    add(callbacks, 1)
    callbacks.start()
    assert until(lambda: sink.threads)
    assert sink.threads != [threading.current_thread()]


def test_calls_are_made_one_at_a_time_and_in_order(callbacks: Callbacks, sink: Sink) -> None:
    """However many threads see to it that they are made."""
    lock, numbers = threading.Lock(), iter(range(400))

    def give_up() -> None:
        for _ in range(100):
            with lock:
                add(callbacks, next(numbers))
            callbacks.start()

    threads = [threading.Thread(target=give_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    callbacks.start()
    assert until(callbacks.idle)
    assert sink.most == 1
    assert sink.numbers == [[number] for number in range(400)]


def test_without_a_function_nothing_is_kept() -> None:
    """Then there is nothing to wait for either."""
    nobody = Callbacks(None, threading.RLock())
    add(nobody, 1)
    nobody.start()
    assert nobody.idle()


def test_what_a_slow_function_is_still_to_be_given_is_bounded(
    callbacks: Callbacks, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    """Beyond that, events are not kept for it: the log says how many, once."""
    callbacks._limit = 3 * len(b'{"n":1')
    sink.go_on.clear()
    add(callbacks, 0)
    callbacks.start()
    assert until(lambda: sink.numbers)
    add(callbacks, 1)
    add(callbacks, 2, 3)
    add(callbacks, 4, 5)
    add(callbacks, 6)
    callbacks.start()
    callbacks.start()
    said = "3 undelivered events were not handed to on_undelivered"
    assert until(lambda: said in caplog.text)
    (record,) = [each for each in caplog.records if each.getMessage().startswith(said)]
    assert record.levelname == "ERROR"
    sink.go_on.set()
    assert until(callbacks.idle)
    assert sink.numbers == [[0], [1], [2, 3]]
    add(callbacks, 7, 8, 9)
    callbacks.start()
    assert until(callbacks.idle)
    assert sink.numbers[3:] == [[7, 8, 9]]


def test_one_call_may_be_larger_than_the_bound(callbacks: Callbacks, sink: Sink) -> None:
    """The bound is for what piles up."""
    callbacks._limit = 10
    add(callbacks, *range(5))
    callbacks.start()
    assert until(callbacks.idle)
    assert sink.numbers == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_call_that_raises_is_logged_and_the_next_is_made(
    callbacks: Callbacks, sink: Sink, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    """Nobody else would see what it raised."""

    def fail() -> None:
        if len(sink.numbers) == 1:
            raise error("as expected")

    sink.then = fail
    add(callbacks, 1, 2)
    add(callbacks, 3)
    callbacks.start()
    assert until(callbacks.idle)
    assert sink.numbers == [[1, 2], [3]]
    (record,) = [each for each in caplog.records if "on_undelivered" in each.getMessage()]
    assert (record.levelname, record.exc_info is not None) == ("ERROR", True)
    assert "2 events" in record.getMessage()


def test_it_is_idle_once_no_call_waits_or_runs(callbacks: Callbacks, sink: Sink) -> None:
    """From the moment something is given up until its call has ended, it is not."""
    assert callbacks.idle()
    sink.go_on.clear()
    add(callbacks, 1)
    assert not callbacks.idle()
    callbacks.start()
    assert not callbacks.idle()
    assert until(lambda: sink.numbers)
    assert not callbacks.idle()
    sink.go_on.set()
    assert until(callbacks.idle)


def test_it_is_idle_on_the_thread_of_the_call_that_runs(callbacks: Callbacks, sink: Sink) -> None:
    """A flush in the user's own function does not wait for that function."""
    seen: list[bool] = []
    sink.then = lambda: seen.append(callbacks.idle())
    add(callbacks, 1)
    callbacks.start()
    assert until(lambda: seen)
    assert seen == [True]


def test_whoever_waits_is_told_once_it_is_idle(callbacks: Callbacks, sink: Sink) -> None:
    """At once if it is so already, else when the last call has ended; once."""
    told: list[str] = []
    callbacks.when_idle(lambda: told.append("at once"))
    assert told == ["at once"]
    sink.go_on.clear()
    add(callbacks, 1)
    add(callbacks, 2)
    callbacks.when_idle(lambda: told.append("one"))
    callbacks.start()
    callbacks.when_idle(lambda: told.append("two"))
    assert until(lambda: sink.numbers)
    assert told == ["at once"]
    sink.go_on.set()
    assert until(lambda: len(told) == 3)
    assert (told, sink.numbers, callbacks.idle()) == (["at once", "one", "two"], [[1], [2]], True)


def test_a_call_that_took_too_long_is_forgiven_when_it_has_ended(callbacks: Callbacks, sink: Sink) -> None:
    """Only until then do other flushes not wait for it."""
    sink.go_on.clear()
    add(callbacks, 1)
    callbacks.start()
    callbacks.overdue = True
    sink.go_on.set()
    assert until(callbacks.idle)
    assert not callbacks.overdue


def test_what_is_given_up_in_a_call_has_a_call_of_its_own(callbacks: Callbacks, sink: Sink) -> None:
    """It is made after the one that runs, not within it."""

    def give_up() -> None:
        if len(sink.numbers) < 5:
            add(callbacks, len(sink.numbers))
            callbacks.start()

    sink.then = give_up
    add(callbacks, 0)
    callbacks.start()
    assert until(lambda: callbacks.idle() and len(sink.numbers) == 5)
    assert (sink.numbers, sink.most) == ([[0], [1], [2], [3], [4]], 1)


@pytest.mark.usefixtures("no_workers")
def test_without_workers_calls_are_made_here(callbacks: Callbacks, sink: Sink) -> None:
    """Where no thread can be started, whoever gave events up makes the calls."""
    add(callbacks, 1)
    add(callbacks, 2)
    callbacks.start()
    assert (sink.numbers, callbacks.idle()) == ([[1], [2]], True)
    assert set(sink.threads) == {threading.current_thread()}


@pytest.mark.usefixtures("no_workers")
def test_without_workers_the_users_own_interrupt_passes(callbacks: Callbacks, sink: Sink) -> None:
    """Somebody pressed Ctrl-C while the call was made here; what waits is called the next time."""

    def interrupt() -> None:
        if len(sink.numbers) == 1:
            raise KeyboardInterrupt

    sink.then = interrupt
    add(callbacks, 1)
    add(callbacks, 2)
    with pytest.raises(KeyboardInterrupt):
        callbacks.start()
    assert (sink.numbers, callbacks.idle()) == ([[1]], False)
    callbacks.start()
    assert (sink.numbers, callbacks.idle()) == ([[1], [2]], True)


def test_what_is_given_up_as_the_last_call_ends_is_not_left_behind(
    callbacks: Callbacks, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker has found nothing more to call; before it ends, another thread gives events up."""
    find_next = callbacks._next

    def give_up() -> None:
        add(callbacks, 2)
        callbacks.start()

    def give_up_as_it_ends() -> object:
        call = find_next()
        if call is None and len(sink.numbers) == 1:
            other = threading.Thread(target=give_up)
            other.start()
            other.join()
        return call

    monkeypatch.setattr(callbacks, "_next", give_up_as_it_ends)
    add(callbacks, 1)
    callbacks.start()
    assert until(lambda: len(sink.numbers) == 2, 0.3)
