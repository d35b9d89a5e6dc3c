"""While Formo answers, nothing is lost, however many events there are; while it does not, nobody waits for long."""

from __future__ import annotations

import gc
import json
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import FormoAnalytics, Response
from formo_lambda.testing import LocalCollector
from tests.promises.hosted import SAID, run, start

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    ("events", "kind", "delay"),
    [(50_000, "plain", 0.1), (20_000, "handler", 0.1), (20_000, "loop", 0.02)],
    ids=["import", "handler", "asyncio"],
)
def test_an_import_arrives_whole(events: int, kind: str, delay: float) -> None:
    """Tracked in a loop without a pause, all events arrive, once, in little memory, and no call takes long."""
    with LocalCollector(delay=delay) as collector:
        (told,) = run("imported", events, kind, 50.0, url=collector.url, seconds=55.0)
        arrived = {event["message_id"] for event in collector.events}
        assert (len(arrived), len(collector.events)) == (events + 1, events + 1)
    assert (told["sent"], told["undelivered"], told["ok"]) == (events + 1, 0, True)
    assert told["grown"] < 40 * MEGABYTE
    assert told["longest"] < 2.0


def test_a_server_that_never_answers_holds_nobody() -> None:
    """A flood of 100 000 events: no call waits longer than a second, and what is dropped is counted and said."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        process = start("imported", 100_000, "plain", 0.5, url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        try:
            printed, errors = process.communicate(timeout=55.0)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    assert SAID.sub("", errors) == ""
    told = json.loads(printed)
    assert told["longest"] < 2.0
    assert told["tracked in"] < 20.0
    assert told["grown"] < 40 * MEGABYTE
    assert (told["ok"], told["sent"]) == (False, 0)
    lost = sum(int(line.split()[0]) for line in errors.splitlines() if " lost: " in line)
    assert lost == 100_001, errors
    assert told["undelivered"] > 0


class Slow:
    """A transport of a server that takes its time and takes everything.

    Attributes:
        sent: How many requests there were.
    """

    def __init__(self) -> None:
        self.sent = 0

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Accept."""
        time.sleep(0.002)
        self.sent += 1
        return Response(200)


@pytest.fixture
def client() -> Iterator[FormoAnalytics]:
    """A client whose memory is full after a few requests."""
    made = FormoAnalytics(
        "key", transport=Slow(), max_pending_size=0, max_queue_size=1_000, flush_at=2, handle_signals=False
    )
    yield made
    made.close(5.0)


def flood(client: FormoAnalytics, events: int) -> None:
    """Track until the client's memory is full, and go on."""
    for number in range(events):
        client.track("Flood", properties={"number": number, "padding": "x" * 200})


def assert_all_sent(client: FormoAnalytics) -> None:
    """Whatever was tracked must have been sent."""
    assert client.flush(10.0).ok
    stats = client.stats
    assert (stats.sent, stats.undelivered, stats.retained) == (stats.tracked, 0, 0)


def test_a_signal_handler_may_track_while_its_frame_waits(client: FormoAnalytics) -> None:
    """It interrupts a `track()` that waits or sends, and waits itself: nothing hangs, and nothing is lost."""
    deep: list[None] = []

    def handle(*_: object) -> None:
        if len(deep) < 3:  # it interrupts itself, too
            deep.append(None)
            flood(client, 5)
            deep.pop()

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.01)
    try:
        flood(client, 100)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert client.stats.tracked > 100
    assert_all_sent(client)


def test_a_finalizer_may_track_wherever_it_runs(client: FormoAnalytics) -> None:
    """The garbage collector runs it in the middle of anything, on any thread."""

    class Finalized:
        """Tracks when it is collected."""

        def __init__(self) -> None:
            self.cycle = self

        def __del__(self) -> None:
            flood(client, 2)

    threshold = gc.get_threshold()
    gc.set_threshold(5, 5, 5)
    try:
        for _ in range(100):
            Finalized()
            flood(client, 5)
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    limit = time.monotonic() + 5.0
    while client.stats.tracked < 700 and time.monotonic() < limit:
        time.sleep(0.005)  # one of them may be under way on a worker
    assert client.stats.tracked == 700
    assert_all_sent(client)


def test_a_callback_may_track() -> None:
    """`on_undelivered` that tracks what it was given anew, with the client's memory full, delivers all of it."""

    class Choosy(Slow):
        """Refuses events that are tracked for the first time."""

        def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
            """Answer."""
            super().send(body, headers, timeout)
            return Response(400 if b'"event":"First"' in body else 200)

    def again(events: list[dict[str, Any]], error: Exception) -> None:
        for event in events:
            own.track("Again", properties=event["properties"])

    own = FormoAnalytics(
        "key",
        transport=Choosy(),
        on_undelivered=again,
        max_pending_size=0,
        max_queue_size=1_000,
        flush_at=1,
        handle_signals=False,
    )
    for number in range(100):
        own.track("First", properties={"number": number})
    own.flush(10.0)
    own.flush(10.0)
    stats = own.stats
    assert (stats.sent, stats.undelivered, stats.tracked) == (100, 100, 200)
    own.close()


def test_threads_share_the_room(client: FormoAnalytics) -> None:
    """Eight threads that flood at once wait for each other's requests: all events are sent."""
    threads = [threading.Thread(target=flood, args=(client, 100)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
    assert client.stats.tracked == 800
    assert_all_sent(client)


def test_without_threads_whoever_tracks_sends(client: FormoAnalytics, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, the memory is bounded all the same."""

    def refuse(*_: object, **__: object) -> object:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    most = 0
    for _ in range(50):
        flood(client, 4)
        most = max(most, client._queue.pending_size())
    assert most < 10_000
    assert_all_sent(client)


def test_what_was_given_up_meanwhile_makes_the_next_result_not_ok() -> None:
    """No flush answered for it: the next one does, once, with the time and the reason."""
    transport = RefusesOnce()
    client = FormoAnalytics("key", transport=transport, flush_at=2, handle_signals=False)
    client.track("First")
    client.track("Second")
    limit = time.monotonic() + 5.0
    while client.stats.undelivered < 2 and time.monotonic() < limit:
        time.sleep(0.005)
    client.track("Third")
    result = client.flush()
    assert (result.sent, result.undelivered, result.ok) == (1, 2, False)
    (error,) = result.errors
    assert (error.count, error.status, error.transient) == (2, 422, False)
    assert "before this flush" in error.reason
    assert client.flush().ok
    client.close()


class RefusesOnce:
    """A transport of a server that refuses the first request."""

    def __init__(self) -> None:
        self._refused = False

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Answer."""
        status, self._refused = (200 if self._refused else 422), True
        return Response(status)


def test_an_invocation_tells_of_what_was_given_up_before_it() -> None:
    """Its result is the next one, with or without events of its own."""
    client = FormoAnalytics("key", transport=RefusesOnce(), flush_at=2, handle_signals=False)
    client.track("First")
    client.track("Second")
    limit = time.monotonic() + 5.0
    while client.stats.undelivered < 2 and time.monotonic() < limit:
        time.sleep(0.005)
    with client.invocation() as first:
        pass
    with client.invocation() as second:
        pass
    assert first.result is not None
    assert second.result is not None
    assert (first.result.undelivered, first.result.ok) == (2, False)
    assert second.result.ok
    client.close()


def test_a_short_flush_drops_nothing_while_formo_answers() -> None:
    """What a flush had no time for waits for the next one, though it is more than may be retained in an outage."""
    with LocalCollector(delay=0.5) as collector:
        client = FormoAnalytics("key", api_host=collector.url, max_pending_size=20_000, handle_signals=False)
        client.track("Warm")
        assert client.flush(5.0).ok
        retained = 0
        for _ in range(3):
            for number in range(4_000):
                client.track("Flood", properties={"number": number, "padding": "x" * 100})
            # More than an answer takes: a server that lets a whole flush wait is taken for one that is down.
            client.flush(0.8)
            retained = max(retained, client.stats.retained)
        for _ in range(4):
            client.flush(5.0)
        stats = client.stats
        assert (stats.sent, stats.undelivered, stats.retained) == (12_001, 0, 0)
        assert retained > 0
        client.close()
