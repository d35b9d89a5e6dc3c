"""The workers of the process: how many run, in which order, and when they end."""

from __future__ import annotations

import _thread
import functools
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING

import pytest

from formo_lambda import forks
from formo_lambda import threads as threads_module
from formo_lambda.constants import MAX_REQUESTS, WORKER_IDLE
from formo_lambda.delivery import workers as module
from formo_lambda.delivery.workers import Workers
from formo_lambda.threads import Latch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: How long a worker of these tests waits for its next task, in seconds.
IDLE = 0.2


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    """Workers of the test's own, which end soon."""
    monkeypatch.setattr(module, "WORKER_IDLE", IDLE)
    monkeypatch.setattr(forks, "in_child", list(forks.in_child))
    made = Workers()
    yield made
    made.dismiss()


class Work:
    """Tasks that wait until they may end.

    Attributes:
        started: Their names, in the order in which they started.
        threads: The threads they ran on, in the same order.
        most: How many ran at the same time, at most.
        go_on: Lets them end.
    """

    def __init__(self) -> None:
        self.started: list[object] = []
        self.threads: list[threading.Thread] = []
        self.most = 0
        self.go_on = threading.Event()
        self._running = 0
        self._lock = threading.Lock()

    def task(self, name: object) -> Callable[[], None]:
        """Return a task."""

        def run() -> None:
            with self._lock:
                self.started.append(name)
                self.threads.append(threading.current_thread())
                self._running += 1
                self.most = max(self.most, self._running)
            assert self.go_on.wait(10.0)
            with self._lock:
                self._running -= 1

        return run

    def has_started(self, number: int) -> bool:
        """Wait until so many have started; return whether they have."""
        return until(lambda: len(self.started) >= number)


@pytest.fixture
def work() -> Iterator[Work]:
    """Tasks that wait until the test lets them end."""
    made = Work()
    yield made
    made.go_on.set()


def until(condition: Callable[[], object], seconds: float = 3.0) -> bool:
    """Wait for a condition; return whether it came true in time."""
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.002)
    return bool(condition())


def run_one(workers: Workers, group: object = "group") -> threading.Thread:
    """Have one task run to its end; return the thread it ran on."""
    threads: list[threading.Thread] = []
    assert workers.submit(lambda: threads.append(threading.current_thread()), group)
    assert until(lambda: threads and group not in workers._running)
    return threads[0]


# -- a latch -----------------------------------------------------------------------------------------------------------


def test_a_call_before_the_wait_counts_once() -> None:
    """However often it was called, one wait ends at once, and the next one does not."""
    latch = Latch()
    latch()
    latch()
    assert latch.wait(0.0)
    assert not latch.wait(0.0)
    latch()
    assert latch.wait(0.0)


def test_a_call_ends_the_wait_of_another_thread() -> None:
    """The wait ends with the call, long before its time."""
    latch = Latch()
    began = time.monotonic()
    threading.Timer(0.05, latch).start()
    assert latch.wait(10.0)
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize(("seconds", "least"), [(-1.0, 0.0), (0.0, 0.0), (0.05, 0.04)])
def test_a_wait_without_a_call_ends_in_time(seconds: float, least: float) -> None:
    """It returns False then; less than no time is none."""
    began = time.monotonic()
    assert not Latch().wait(seconds)
    assert least <= time.monotonic() - began < least + 0.5


# -- tasks -------------------------------------------------------------------------------------------------------------


def test_a_task_runs_on_a_daemon_thread_of_its_own(workers: Workers) -> None:
    """The caller goes on, and the process may end."""
    thread = run_one(workers)
    assert thread is not threading.current_thread()
    assert (thread.name, thread.daemon) == ("formo-worker", True)


def test_a_worker_serves_one_task_after_the_other(workers: Workers) -> None:
    """No thread is started while one is idle, whatever the group."""
    assert len({run_one(workers, group) for group in ("one", "other", "one", "third")}) == 1


def test_a_few_of_a_group_run_at_a_time(workers: Workers, work: Work) -> None:
    """The others wait for their turn, and all of them run once."""
    assert all(workers.submit(work.task(name), "group", limit=3) for name in range(10))
    assert work.has_started(3)
    time.sleep(0.05)
    assert len(work.started) == 3
    work.go_on.set()
    assert until(lambda: not workers._running)
    assert (sorted(map(str, work.started)), work.most) == (sorted(map(str, range(10))), 3)
    assert len(set(work.threads)) == 3


def test_ten_of_a_group_run_at_a_time_unless_told_otherwise(workers: Workers, work: Work) -> None:
    """That is as many as one endpoint gets requests."""
    assert all(workers.submit(work.task(name), "group") for name in range(MAX_REQUESTS + 2))
    assert work.has_started(MAX_REQUESTS)
    time.sleep(0.05)
    assert len(work.started) == MAX_REQUESTS == 10


def test_those_that_wait_keep_their_order(workers: Workers, work: Work) -> None:
    """Of a group of which one runs at a time, each starts after the one that was submitted before it."""
    work.go_on.set()
    assert all(workers.submit(work.task(name), "group", limit=1) for name in range(50))
    assert until(lambda: not workers._running)
    assert (work.started, work.most) == (list(range(50)), 1)


def test_a_group_does_not_wait_for_another(workers: Workers, work: Work) -> None:
    """Tasks that are held, and those behind them, keep nobody else waiting."""
    assert all(workers.submit(work.task(name), "held", limit=1) for name in range(2))
    assert work.has_started(1)
    run_one(workers, "another")
    assert work.started == [0]


def test_many_threads_submit_at_once(workers: Workers) -> None:
    """Every task runs once, and no group has more workers than it may."""
    ran: list[int] = []
    seen: set[threading.Thread] = set()

    def run(number: int) -> None:
        ran.append(number)
        seen.add(threading.current_thread())

    def submit(first: int) -> None:
        for number in range(first, first + 100):
            assert workers.submit(functools.partial(run, number), "group", limit=4)

    threads = [threading.Thread(target=submit, args=[100 * each]) for each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert until(lambda: not workers._running)
    assert sorted(ran) == list(range(800))
    assert not workers._backlog
    assert until(lambda: sum(thread.is_alive() for thread in seen) <= 4, IDLE * 5)


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_task_that_raises_does_not_cost_the_worker(
    workers: Workers, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    """What it raised is logged, the place in its group is free, and the same thread runs the next task."""
    threads: list[threading.Thread] = []

    def fail() -> None:
        threads.append(threading.current_thread())
        raise error("as expected")

    assert workers.submit(fail, "group", limit=1)
    assert until(lambda: threads and not workers._running)
    assert [run_one(workers)] == threads
    (record,) = [each for each in caplog.records if each.exc_info is not None]
    assert record.levelname == "ERROR"
    assert "as expected" in caplog.text


def test_one_that_waits_runs_after_one_that_raised(workers: Workers, work: Work) -> None:
    """The turn of the next does not depend on how the one before it ended."""
    go_on = threading.Event()

    def fail() -> None:
        assert go_on.wait(10.0)
        raise ValueError

    assert workers.submit(fail, "group", limit=1)
    assert workers.submit(work.task("next"), "group", limit=1)
    go_on.set()
    assert work.has_started(1)


# -- the end of a worker -----------------------------------------------------------------------------------------------


def test_an_idle_worker_ends_after_a_while(workers: Workers) -> None:
    """It waits for a task for its time, and not much longer."""
    assert WORKER_IDLE == 1.0
    thread = run_one(workers)
    began = time.monotonic()
    assert until(lambda: not thread.is_alive(), IDLE + 1.0)
    assert time.monotonic() - began > IDLE * 0.5
    assert not workers._idle
    assert run_one(workers) is not thread


def test_dismissed_workers_end_at_once(monkeypatch: pytest.MonkeyPatch, workers: Workers) -> None:
    """They do not wait for their time to be over."""
    monkeypatch.setattr(module, "WORKER_IDLE", 30.0)
    thread = run_one(workers)
    workers.dismiss()
    thread.join(3.0)
    assert not thread.is_alive()


def test_a_busy_worker_is_not_dismissed(workers: Workers, work: Work) -> None:
    """It finishes what it has been given, and what waits behind that."""
    assert all(workers.submit(work.task(name), "group", limit=1) for name in range(3))
    assert work.has_started(1)
    workers.dismiss()
    work.go_on.set()
    assert until(lambda: not workers._running)
    assert work.started == [0, 1, 2]


def test_an_idle_worker_keeps_nothing_alive(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a task was made of can go as soon as it has run."""
    monkeypatch.setattr(module, "WORKER_IDLE", 30.0)

    class Client:
        def task(self) -> None:
            """Do nothing."""

    client = Client()
    gone = weakref.ref(client)
    assert workers.submit(client.task, client)
    del client
    assert until(lambda: gone() is None)
    assert len(workers._idle) == 1


# -- where no thread can be started ------------------------------------------------------------------------------------


def out_of_threads(_: threading.Thread) -> None:
    """Fail as `Thread.start` does."""
    raise RuntimeError("can't start new thread")


def test_without_threads_a_task_is_refused(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller is told, the task never runs, and the place in the group is free once there are threads again."""
    ran: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(threads_module._Thread, "start", out_of_threads)
        assert not any(workers.submit(lambda: ran.append("refused"), "group", limit=1) for _ in range(3))
    assert workers.submit(lambda: ran.append("taken"), "group", limit=1)
    assert until(lambda: ran and not workers._running)
    assert ran == ["taken"]


def test_no_thread_is_started_while_the_interpreter_ends(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would never run, or end the process in the middle of something."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "is_finalizing", lambda: True)
        assert not workers.submit(lambda: None, "group")
    assert not workers._running


def test_a_task_is_refused_on_top_of_itself(workers: Workers) -> None:
    """A finalizer or a signal handler that interrupts a submission does without, and breaks nothing."""
    answers: list[bool] = []

    class Interrupted:
        """A group that is interrupted as it is looked up."""

        def __hash__(self) -> int:
            if workers._lock._is_owned():  # type: ignore[attr-defined] # not in the stubs
                answers.append(workers.submit(lambda: None, "on top"))
            return 1

    run_one(workers, Interrupted())
    assert answers
    assert not any(answers)
    run_one(workers, "on top")


def test_what_waits_behind_a_refused_task_runs(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread was told that its task waits for its turn; then it turns out that no thread can be started."""
    answers: list[bool] = []
    ran: list[str] = []

    def fail(thread: threading.Thread) -> None:
        answers.append(workers.submit(lambda: ran.append("behind"), "group", limit=1))
        out_of_threads(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threads_module._Thread, "start", fail)
        answers.append(workers.submit(lambda: None, "group", limit=1))
    assert answers[-1] is False
    assert until(lambda: not workers._running, 0.5)
    run_one(workers)
    assert ran == (["behind"] if answers[0] else [])


def test_workers_from_before_gevent_hold_nobody_up(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once threads are made otherwise, those from before are given nothing more, and end by themselves."""
    before = run_one(workers)
    start = _thread.start_new_thread
    monkeypatch.setattr(_thread, "start_new_thread", functools.partial(start))
    assert run_one(workers) is not before
    longest = 0.0
    limit = time.monotonic() + IDLE * 3
    while time.monotonic() < limit:
        began = time.monotonic()
        workers.dismiss()
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.005)
    assert not before.is_alive()
    assert longest < IDLE * 0.5


def test_a_call_that_comes_as_the_wait_ends_leaves_no_dead_worker(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker runs that task without its call, which ends the next wait at once: then it is idle no more."""
    ran: list[int] = []
    wait = Latch.wait
    waits: list[None] = []

    def late_wait(latch: Latch, seconds: float) -> bool:
        waits.append(None)
        if len(waits) == 1:
            assert workers.submit(lambda: ran.append(2), "group")
            return False
        return wait(latch, seconds)

    monkeypatch.setattr(Latch, "wait", late_wait)
    assert workers.submit(lambda: ran.append(1), "group")
    assert until(lambda: len(ran) == 2 and len(waits) >= 2)
    time.sleep(0.05)
    assert workers.submit(lambda: ran.append(3), "group")
    assert until(lambda: ran == [1, 2, 3])
