"""`on_undelivered`, the user's own code: it never delays a delivery, and what is handed to it is handed over whole."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from formo_lambda import DeliveryError, FormoAnalytics, formo_flush
from formo_lambda.testing import LocalCollector
from tests.promises.bounds import all_ended, programs, within
from tests.promises.faults import behaviours
from tests.promises.faults.fault_server import FaultServer
from tests.promises.faults.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from formo_lambda.testing import ReceivedRequest

#: Longer than any flush here; every test ends it.
_HANGS = 20.0


class Sink:
    """An `on_undelivered` that takes its time.

    Args:
        seconds: How long each call takes, unless `over` is set before.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.over = threading.Event()
        self.began = threading.Event()
        self._seconds = seconds
        self._lock = threading.Lock()
        self._inside = 0
        #: The message ids of what was handed over in calls that have ended.
        self.ids: list[str] = []
        #: The most calls that were under way at a time.
        self.most = 0

    def __call__(self, events: list[dict[str, Any]], error: Exception) -> None:
        """Take the time, then keep the ids."""
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
        self.began.set()
        if self._seconds:
            self.over.wait(self._seconds)
        with self._lock:
            self._inside -= 1
            self.ids.extend(str(event["message_id"]) for event in events)


@pytest.fixture
def server() -> Iterator[LocalCollector]:
    """Refuses every request with an event named Bad."""

    def refuse(request: ReceivedRequest) -> int | None:
        return 400 if any(event["event"] == "Bad" for event in request.events) else None

    with LocalCollector() as collector:
        collector.respond_with(refuse, forever=True)
        yield collector


class MakeClient(Protocol):
    """**Protocol:** makes a client of the test's server."""

    def __call__(self, on_undelivered: Callable[..., object], **options: Any) -> FormoAnalytics:
        """Return a client with this callback."""
        ...


@pytest.fixture
def make_client(server: LocalCollector) -> Iterator[MakeClient]:
    """Makes clients; each is closed at the end, once its callback, if it is a sink, hangs no more."""
    made: list[tuple[FormoAnalytics, Callable[..., object]]] = []

    def make(on_undelivered: Callable[..., object], **options: Any) -> FormoAnalytics:
        client = FormoAnalytics(
            "key", **{"api_host": server.url, "on_undelivered": on_undelivered, "handle_signals": False, **options}
        )
        made.append((client, on_undelivered))
        return client

    yield make
    for client, callback in made:
        if isinstance(callback, Sink):
            callback.over.set()
        client.close()


def _hang(client: FormoAnalytics, sink: Sink, count: int) -> None:
    """Have so many refused events, one after the other, wait for a callback or be in it."""
    end = time.monotonic() + 5.0
    for number in range(count):
        _track(client, 1, "Bad")
        client.flush(0.1)
        while client.stats.undelivered <= number:  # a loaded machine may need more than one attempt
            assert time.monotonic() < end
            client.flush(0.1)
    assert sink.began.wait(5.0)


def _track(client: FormoAnalytics, count: int, name: str = "Good") -> list[str]:
    return [client.track(name, properties={"number": number}) for number in range(count)]


# -- a slow callback delays nothing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("refused", [1, 2, 12])
def test_a_slow_callback_delays_no_delivery(server: LocalCollector, make_client: MakeClient, refused: int) -> None:
    """However many hand-overs wait for a callback that hangs, the 200 good events behind them arrive at once."""
    sink = Sink(_HANGS)
    client = make_client(sink)
    _hang(client, sink, refused)
    began = time.monotonic()
    ids = _track(client, 200)
    result = within(5.0, lambda: client.flush(1.5))
    # Some may have left before it, full buffers as they are: those are not in its result.
    assert (client.stats.sent, result.retained, result.undelivered) == (200, 0, 0)
    assert max(server.arrived_at(each) for each in ids) - began < 1.0


def test_a_slow_callback_delays_nothing_that_leaves_early(server: LocalCollector, make_client: MakeClient) -> None:
    """With two hand-overs waiting, buffers that are full leave by themselves, without any flush."""
    sink = Sink(_HANGS)
    client = make_client(sink, flush_at=20)
    _hang(client, sink, 2)
    ids = _track(client, 200)
    assert {event["message_id"] for event in server.wait_for(200, 2.0)} == set(ids)


def test_a_slow_callback_does_not_make_a_server_look_away(make_client: MakeClient) -> None:
    """The server was away while a callback hung: the five flushes after its return each send what they have."""
    sink = Sink(_HANGS)
    with FaultServer() as server:
        client = make_client(sink, api_host=server.url, retry_count=0)
        server.switch(behaviours.status(400))
        _hang(client, sink, 1)
        server.refuse()
        _track(client, 1)
        assert within(5.0, lambda: client.flush(0.5)).retained == 1
        server.lift()
        for number in range(5):
            _track(client, 1)
            result = within(5.0, lambda: client.flush(0.5))
            assert (result.sent, result.retained) == (2 if number == 0 else 1, 0)


def test_invocations_beside_a_slow_callback_deliver_their_own(server: LocalCollector, make_client: MakeClient) -> None:
    """Eight handlers at once while a callback hangs: each one's event has arrived when it returns."""
    sink = Sink(_HANGS)
    client = make_client(sink)
    missing: list[str] = []

    @formo_flush(timeout=1.0)
    def handler(event: object, context: object) -> str:
        return client.track("Good")

    def invoke() -> None:
        mine = handler({}, None)
        if mine not in {event["message_id"] for event in server.events}:
            missing.append(mine)

    _hang(client, sink, 4)
    threads = [threading.Thread(target=invoke, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5.0)
    assert missing == []
    assert client.stats.sent == 8


def test_an_invocation_without_events_does_not_wait_for_a_callback(
    server: LocalCollector, make_client: MakeClient
) -> None:
    """What an earlier invocation left to be handed over costs one that tracks nothing no time."""
    sink = Sink(_HANGS)
    client = make_client(sink)

    @formo_flush(timeout=2.0)
    def handler(event: object, context: object) -> None:
        """Do nothing."""

    _hang(client, sink, 4)
    began = time.monotonic()
    handler({}, None)
    assert time.monotonic() - began < 0.5


# -- what waits for it is bounded ------------------------------------------------------------------------------------


def test_what_waits_for_a_callback_that_hangs_is_bounded() -> None:
    """60 MB of refused events: memory does not grow with them, and each is handed over or counted in the log."""
    with programs("flooded", [()], url="http://127.0.0.1:9") as processes:
        (ended,) = all_ended([processes[0].go()], 40.0)
    assert ended.status == 0, ended.errors
    seen = json.loads(ended.lines[-1])
    assert seen["grown"] < 40_000_000, seen
    assert seen["handed"] > 0
    assert seen["handed"] < seen["undelivered"], "nothing was too much, so the test shows nothing"
    assert seen["handed"] + seen["logged"] == seen["undelivered"], seen


# -- what is under way is waited for ---------------------------------------------------------------------------------


def _flush(client: FormoAnalytics) -> None:
    _track(client, 1, "Bad")
    client.flush(5.0)


def _close(client: FormoAnalytics) -> None:
    _track(client, 1, "Bad")
    client.close(5.0)


def _aflush(client: FormoAnalytics) -> None:
    _track(client, 1, "Bad")
    asyncio.run(client.aflush(5.0))


def _with_statement(client: FormoAnalytics) -> None:
    with client.invocation(timeout=5.0):
        _track(client, 1, "Bad")


def _handler(client: FormoAnalytics) -> None:
    formo_flush(timeout=5.0)(lambda event, context: _track(client, 1, "Bad"))({}, None)


def _async_handler(client: FormoAnalytics) -> None:
    @formo_flush(timeout=5.0)
    async def handler(event: object, context: object) -> None:
        _track(client, 1, "Bad")

    asyncio.run(handler({}, None))


@pytest.mark.parametrize("way", [_flush, _close, _aflush, _with_statement, _handler, _async_handler])
def test_a_hand_over_has_ended_when_the_wait_has(
    server: LocalCollector, make_client: MakeClient, way: Callable[[FormoAnalytics], None]
) -> None:
    """A callback of 0.3 s has its events, and has returned, when the flush that gave them up returns."""
    sink = Sink(0.3)
    client = make_client(sink)
    within(10.0, lambda: way(client))
    assert len(sink.ids) == client.stats.undelivered == 1


def test_a_flush_waits_for_a_hand_over_that_began_before_it(server: LocalCollector, make_client: MakeClient) -> None:
    """One that ran out of time left a callback under way: the next one, with time, returns after it."""
    sink = Sink(0.6)
    client = make_client(sink)
    _track(client, 1, "Bad")
    client.flush(0.2)
    assert sink.began.is_set()
    assert sink.ids == []
    client.flush(5.0)
    assert len(sink.ids) == 1


@pytest.mark.parametrize("way", ["end", "sigterm", "late"])
@pytest.mark.parametrize("fault", ["refused", "no server"])
def test_the_end_of_a_process_waits_for_hand_overs(server: LocalCollector, way: str, fault: str) -> None:
    """What is refused or given up at the very end is handed over whole, through a callback of 0.2 s a call."""
    url = server.url if fault == "refused" else "http://127.0.0.1:9"
    with programs("given_up", [(way,)], url=url) as processes:
        (ended,) = all_ended([processes[0].go()])
    handed = [json.loads(line.removeprefix("handed ")) for line in ended.lines if line.startswith("handed")]
    assert sorted(number for call in handed for number in call) == [0, 1, 2], (ended.lines, ended.errors)


# -- what it may do --------------------------------------------------------------------------------------------------


def test_a_callback_may_track_and_flush(server: LocalCollector, make_client: MakeClient) -> None:
    """Its event arrives, and its flush waits neither for itself nor for the one that waits for it."""
    took: list[float] = []

    def sink(events: list[dict[str, Any]], error: Exception) -> None:
        began = time.monotonic()
        client.track("From Callback")
        result = client.flush(5.0)
        took.append(time.monotonic() - began)
        assert result.sent == 1

    client = make_client(sink)
    _track(client, 1, "Bad")
    result = within(10.0, lambda: client.flush(4.0))
    assert result.undelivered == 1
    wait_until(lambda: len(took) == 1)
    assert took[0] < 1.0
    assert [event["event"] for event in server.unique_events] == ["From Callback"]


def test_an_event_tracked_in_a_callback_leaves_with_the_next_flush(
    server: LocalCollector, make_client: MakeClient
) -> None:
    """It is an ordinary event of the client's."""
    client = make_client(lambda events, error: client.track("From Callback"))
    _track(client, 1, "Bad")
    within(5.0, lambda: client.flush(2.0))
    within(5.0, lambda: client.flush(2.0))
    assert [event["event"] for event in server.unique_events] == ["From Callback"]


def test_a_callback_whose_own_events_are_refused_ends(server: LocalCollector, make_client: MakeClient) -> None:
    """One that tracks and flushes what is refused again neither nests, nor waits for what comes after itself."""
    depth = 0
    deepest = 0
    rounds: list[int] = []

    def sink(events: list[dict[str, Any]], error: Exception) -> None:
        nonlocal depth, deepest
        depth += 1
        deepest = max(deepest, depth)
        rounds.append(len(events))
        if len(rounds) < 4:
            client.track("Bad")
            client.flush(5.0)
        depth -= 1

    client = make_client(sink)
    _track(client, 1, "Bad")
    within(5.0, lambda: client.flush(2.0))
    wait_until(lambda: len(rounds) == 4)
    assert deepest == 1


def test_callbacks_run_one_at_a_time(server: LocalCollector, make_client: MakeClient) -> None:
    """Eight threads whose events are refused: a callback never meets another call of itself, and none is left out."""
    sink = Sink(0.02)
    client = make_client(sink)
    ids: list[str] = []

    def work() -> None:
        for _ in range(3):
            ids.extend(_track(client, 1, "Bad"))
            client.flush(5.0)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10.0)
    wait_until(lambda: len(sink.ids) == 24)
    assert sorted(sink.ids) == sorted(ids)
    assert sink.most == 1


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [ValueError("full"), SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_what_a_callback_raises_is_logged_and_harms_nothing(
    server: LocalCollector, make_client: MakeClient, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    """The handler returns as if the callback had worked, the log says what it raised, and the next call comes."""
    calls: list[DeliveryError] = []

    def sink(events: list[dict[str, Any]], reason: Exception) -> None:
        assert isinstance(reason, DeliveryError)
        calls.append(reason)
        raise error

    client = make_client(sink)

    @formo_flush(timeout=2.0)
    def handler(event: object, context: object) -> str:
        _track(client, 1, "Bad")
        return "value"

    for number in (1, 2):
        assert within(5.0, lambda: handler({}, None)) == "value"
        wait_until(lambda: len(calls) == number)  # noqa: B023  # called before the next round
    wait_until(lambda: len(_raised(caplog, error)) == 2)
    assert all(record.levelno >= logging.WARNING for record in _raised(caplog, error))
    _track(client, 1)
    assert client.flush().sent == 1
    assert client.stats.undelivered == 2


def _raised(caplog: pytest.LogCaptureFixture, error: BaseException) -> list[logging.LogRecord]:
    return [
        record
        for record in caplog.records
        if record.name.startswith("formo_lambda") and type(error).__name__ in f"{record.getMessage()} {record.exc_info}"
    ]
