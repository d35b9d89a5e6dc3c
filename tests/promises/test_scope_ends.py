"""What ends a scope, and what does not: other threads that track or flush, and the garbage collector."""

from __future__ import annotations

import contextlib
import contextvars
import gc
import itertools
import json
import sys
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.transport.protocol import Response
from tests.client.recorded import names
from tests.promises.stress import switching_often, two_others_open

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from typing_extensions import Self

    from formo_lambda import FlushResult
    from formo_lambda.testing import RecordingTransport

_DROPPING: dict[str, Any] = {"discard": "discard", "a callable": lambda error: False}


class HandlerError(Exception):
    """What the blocks here are left by."""


class Names:
    """A transport that takes everything, and keeps the names of the events."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Take it."""
        self.names += [event["event"] for event in json.loads(body)]
        return Response(200)


class Taking:
    """A transport that takes everything, and counts the events."""

    def __init__(self) -> None:
        self.count = 0

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Take it."""
        self.count += len(json.loads(body))
        return Response(200)


def in_thread(call: Callable[[], object]) -> None:
    """Run something in a bare thread, and wait for it."""
    thread = threading.Thread(target=call)
    thread.start()
    thread.join(20.0)
    assert not thread.is_alive()


# -- another thread tracks while the scope ends ------------------------------------------------------------------------


class Crowd:
    """Three threads that track into the scope that is open now, and go on while it ends.

    Args:
        client: What they track with.

    Attributes:
        tracked: How many events each has tracked.
    """

    def __init__(self, client: FormoAnalytics) -> None:
        self.tracked = [0] * 3
        self._client = client
        self._scope: list[contextvars.Context] = []
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=[number], daemon=True) for number in range(len(self.tracked))
        ]

    def join_in(self) -> None:
        """Have them track into the current scope from now on."""
        self._scope[:] = [contextvars.copy_context()]
        time.sleep(0.0002)

    def turn_away(self) -> None:
        """Have them track into that scope no more."""
        self._scope.clear()

    def _work(self, number: int) -> None:
        while not self._over.is_set():
            for context in self._scope[:]:
                mine = context.copy()  # a context is entered by one thread at a time
                for _ in range(30):
                    mine.run(self._client.track, "Beside")
                    self.tracked[number] += 1
            time.sleep(0.0001)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(20.0)
            assert not thread.is_alive()


@pytest.mark.parametrize("fails", [True, False])
@pytest.mark.parametrize("levels", [1, 2])
def test_a_thread_that_tracks_at_the_end_moves_its_own_event_only(
    levels: int,
    fails: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    """Threads that track into a scope while it ends: what the handler tracked before is gone with it, or discarded."""
    taken = Names()
    # Many clients make the end of a scope take longer; the threads track with the last of them.
    clients = [
        FormoAnalytics("a-key", transport=taken, flush_at=100, flush_timeout=10.0, handle_signals=False)
        for _ in range(30)
    ]

    def handle(number: int, rules: Sequence[Any]) -> None:
        if rules:
            with clients[0].invocation(on_exception=rules[0]):
                handle(number, rules[1:])
            return
        for client in clients:
            client.track(f"Handler {number}")
        crowd.join_in()
        if fails:
            raise HandlerError

    arrived: list[int] = []
    end = time.monotonic() + 1.2
    with switching_often(), two_others_open(clients[-1]), Crowd(clients[-1]) as crowd:
        while time.monotonic() < end:
            number = len(arrived)
            with contextlib.suppress(HandlerError):
                handle(number, ["discard", "send"][:levels])
            arrived.append(taken.names.count(f"Handler {number}"))
            crowd.turn_away()
    assert all(client.flush(5.0).ok for client in clients)
    late = sum(name != "Beside" for name in taken.names) - sum(arrived)
    assert late == 0, f"{late} events of handlers that were over"
    assert arrived == [0 if fails else len(clients)] * len(arrived)
    discarded = sum(client.stats.discarded for client in clients) - fails * len(arrived) * len(clients)
    assert taken.names.count("Beside") + discarded == sum(crowd.tracked)
    assert len(arrived) > 5


# -- another thread flushes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", _DROPPING)
@pytest.mark.parametrize("nested", [None, "send", "discard"])
@pytest.mark.parametrize("fails", [True, False])
def test_a_flush_of_another_thread_leaves_what_may_be_dropped_alone(
    client: FormoAnalytics,
    transport: RecordingTransport,
    rule: str,
    nested: Any,
    fails: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    """While a scope may still drop its events, a thread that flushes on its own account sends none of them."""
    others: list[FlushResult] = []
    run = client.invocation(on_exception=_DROPPING[rule])
    client.track("Own")
    with pytest.raises(HandlerError) if fails else contextlib.nullcontext(), run:
        client.track("Handler")
        with client.invocation(on_exception=nested) if nested else contextlib.nullcontext():
            client.track("Handler")
            in_thread(lambda: others.append(client.flush()))
        assert names(transport) == ["Own"]
        if fails:
            raise HandlerError
    (other,) = others
    assert (other.sent, other.discarded) == (1, 0)
    assert run.result is not None
    assert (run.result.sent, run.result.discarded) == ((0, 2) if fails else (2, 0))
    assert (client.stats.discarded, len(transport.events)) == ((2, 1) if fails else (0, 3))


@pytest.mark.parametrize("rule", _DROPPING)
def test_a_periodic_flush_never_sends_what_is_dropped(
    client: FormoAnalytics, transport: RecordingTransport, rule: str
) -> None:
    """With a thread that flushes all the time, no event of a scope that dropped its events has ever been sent."""
    over = threading.Event()

    def flush_on() -> None:
        while not over.is_set():
            client.flush()
            time.sleep(0.0005)

    flusher = threading.Thread(target=flush_on, daemon=True)
    flusher.start()
    dropped = 0
    for number in range(60):
        with contextlib.suppress(HandlerError), client.invocation(on_exception=_DROPPING[rule]):
            client.track("Kept" if number % 2 else "Dropped")
            time.sleep(0.001)
            client.track("Kept" if number % 2 else "Dropped")
            if number % 2 == 0:
                dropped += 2
                raise HandlerError
    over.set()
    flusher.join(10.0)
    client.flush()
    assert sorted(names(transport)) == ["Kept"] * 60
    assert client.stats.discarded == dropped == 60


def test_a_flush_of_another_thread_is_not_held_by_what_it_leaves_alone(client: FormoAnalytics) -> None:
    """It has nothing to do there, so it returns at once, and all is well."""
    results: list[FlushResult] = []
    with client.invocation(on_exception="discard"):
        client.track("Handler")
        in_thread(lambda: results.append(client.flush(5.0)))
        (result,) = results
        assert result.ok
        assert (result.sent, result.requests) == (0, 0)
        assert result.elapsed < 1.0
        assert client.stats.buffered == 1


def test_an_invocation_waits_for_its_events_that_another_thread_flushes(
    client: FormoAnalytics, transport: RecordingTransport
) -> None:
    """Its end comes after their answer, and its result tells of them, as the flush's own does."""
    transport.delay = 0.3
    results: list[FlushResult] = []
    with client.invocation() as run:
        client.track("Handler")
        flusher = threading.Thread(target=lambda: results.append(client.flush()))
        flusher.start()
        while client._queue.own.events or not client._queue.in_flight:
            time.sleep(0.001)
    assert names(transport) == ["Handler"]
    assert run.result is not None
    assert (run.result.sent, run.result.requests) == (1, 1)
    flusher.join(10.0)
    assert [result.sent for result in results] == [1]
    assert client.stats.sent == 1


# -- the garbage collector ---------------------------------------------------------------------------------------------


class Collecting:
    """A transport whose user's code happens to set off the garbage collector."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.took = 0.0

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Collect garbage, then take the events."""
        began = time.monotonic()
        gc.collect()
        self.took = max(self.took, time.monotonic() - began)
        self.names += [event["event"] for event in json.loads(body)]
        return Response(200)


class Waiting:
    """A transport that takes all the time that it is given, until it is told that the server is well."""

    def __init__(self) -> None:
        self.well = False
        self.names: list[str] = []

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Take the events, or time out."""
        if not self.well:
            time.sleep(min(timeout, 5.0))
            raise TimeoutError
        self.names += [event["event"] for event in json.loads(body)]
        return Response(200)


@contextlib.contextmanager
def collected_by_hand() -> Iterator[None]:
    """Let no garbage be collected but where the test says so."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def begin(client: FormoAnalytics, kind: str = "generator", *, cycle: bool = True) -> Any:
    """Return a stream that a decorated function has begun: it has tracked, and tracks once more when it ends.

    Args:
        client: Tracks.
        kind: Whether the function is a generator function, or returns a generator.
        cycle: Whether only the garbage collector can find that nobody holds it.
    """

    def steps() -> Iterator[Any]:
        client.track("Begun")
        try:
            yield held
            yield "never"
        finally:
            client.track("Cleaned Up")

    def function() -> Iterator[Any]:
        return steps()

    held: list[Any] = []
    stream = formo_flush(steps if kind == "generator" else function)()
    if cycle:
        held.append(stream)
    next(stream)
    return stream


@pytest.mark.parametrize("kind", ["generator", "returned generator"])
def test_a_generator_that_is_dropped_waits_for_nobody(kind: str) -> None:
    """Dropped half-way while the server does not answer: it costs no time, and its events leave with the next flush."""
    waiting = Waiting()
    client = FormoAnalytics("a-key", transport=waiting, retry_count=0, handle_signals=False)
    stream = begin(client, kind, cycle=False)
    began = time.monotonic()
    del stream
    gc.collect()
    assert time.monotonic() - began < 0.5
    stats = client.stats
    assert (stats.tracked, stats.buffered, stats.requests) == (2, 2, 0)
    waiting.well = True
    assert client.flush().sent == 2
    assert waiting.names == ["Begun", "Cleaned Up"]


def test_a_generator_that_is_closed_is_flushed(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Who closes it waits for it, as for a handler that returns: its events have arrived."""
    stream = begin(client)
    stream.close()
    assert names(transport) == ["Begun", "Cleaned Up"]


@pytest.mark.parametrize("where", ["here", "another thread", "a scope", "track"])
def test_a_generator_may_be_collected_anywhere(where: str) -> None:
    """Wherever the garbage collector finds it, its events join the client's own buffer, and nobody waits."""
    waiting = Waiting()

    def collect(_: object = None) -> str:
        began = time.monotonic()
        gc.collect()
        took.append(time.monotonic() - began)
        buffered.append(client.stats.buffered)
        waiting.well = True
        return "collected"

    took: list[float] = []
    buffered: list[int] = []
    client = FormoAnalytics("a-key", transport=waiting, retry_count=0, handle_signals=False, json_default=collect)
    with collected_by_hand():
        begin(client)
        if where == "another thread":
            in_thread(collect)
        elif where == "a scope":
            with client.invocation(on_exception="discard"):
                collect()
        elif where == "track":
            client.track("Tracked", properties={"value": object()})
        else:
            collect()
    assert len(took) == 1
    assert took[0] < 0.5
    assert buffered == [2]
    assert client.flush().ok
    assert sorted(waiting.names) == ["Begun", "Cleaned Up", *["Tracked"] * (where == "track")]


@pytest.mark.parametrize("way", ["flush", "early"])
def test_a_generator_may_be_collected_where_we_send(way: str) -> None:
    """In the middle of a delivery, on whatever thread that is: the delivery goes on, and the next flush sends them."""
    collecting = Collecting()
    client = FormoAnalytics("a-key", transport=collecting, flush_at=5, handle_signals=False)
    with collected_by_hand():
        begin(client)
        for _ in range(5 if way == "early" else 1):
            client.track("Tracked")
        result = client.flush(5.0)
    assert result.ok
    assert collecting.took < 0.5
    assert result.elapsed < 1.5
    client.flush(5.0)
    assert sorted(collecting.names) == ["Begun", "Cleaned Up", *["Tracked"] * (5 if way == "early" else 1)]
    stats = client.stats
    assert (stats.tracked, stats.buffered, stats.retained) == (stats.sent, 0, 0)


def test_a_generator_may_be_collected_where_undelivered_events_are_handed_over() -> None:
    """In the middle of a user's callback: it ends, and the next flush sends them."""

    class Refusing(Waiting):
        def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
            return super().send(body, headers, timeout) if self.well else Response(401)

    def collect(events: list[dict[str, Any]], error: Exception) -> None:
        began = time.monotonic()
        gc.collect()
        took.append(time.monotonic() - began)

    took: list[float] = []
    refusing = Refusing()
    client = FormoAnalytics("a-key", transport=refusing, on_undelivered=collect, handle_signals=False)
    with collected_by_hand(), two_others_open(client):
        begin(client)
        client.track("Refused")
        assert client.flush(5.0).undelivered == 1
        assert len(took) == 1
        assert took[0] < 0.5
        refusing.well = True
        assert client.flush(5.0).sent == 2
    assert refusing.names == ["Begun", "Cleaned Up"]


@contextlib.contextmanager
def collecting_often(here: int) -> Iterator[None]:
    """Collect garbage between two calls, wherever those are: once in so many here, often on threads that start now.

    Not by the collector's own thresholds: up to Python 3.11 it may then run within `ContextVar.set`, and a finalizer
    that sets one as well crashes the interpreter.
    """

    def every(calls: int) -> Callable[..., None]:
        numbers = itertools.count()

        def collect(*_: object) -> None:
            if next(numbers) % calls == 0:
                gc.collect(0)

        return collect

    with collected_by_hand():
        threading.setprofile(every(5))
        sys.setprofile(every(here))
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)


@pytest.mark.parametrize("here", [97, 10_000])
def test_generators_may_be_collected_at_any_moment(here: int) -> None:
    """With a collector that runs in the middle of anything of ours, on any thread, nobody waits and nothing is lost."""
    taken = Taking()
    client = FormoAnalytics("a-key", transport=taken, flush_at=3, handle_signals=False)
    longest, rounds = 0.0, 0
    with collecting_often(here):
        end = time.monotonic() + 0.7
        while time.monotonic() < end and rounds < 300:
            began = time.monotonic()
            begin(client)
            client.track("Tracked")
            with client.invocation():
                begin(client)
                client.track("Tracked")
            if rounds % 3 == 0:
                client.flush()
            longest = max(longest, time.monotonic() - began)
            rounds += 1
    gc.collect()
    assert client.flush(5.0).ok
    assert longest < 0.8
    assert client.stats.tracked == client.stats.sent == taken.count == 6 * rounds
    assert rounds > 5


# -- very many nested scopes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["send", "discard"])
def test_nested_scopes_that_are_over_hold_no_memory(rule: Any) -> None:
    """Thousands of nested scopes in one invocation, each with an event: a scope that is over leaves a count behind."""
    client = FormoAnalytics("a-key", transport=Taking(), handle_signals=False)
    scopes = 5_000

    def work(count: int) -> None:
        for number in range(count):
            with contextlib.suppress(HandlerError), client.invocation(on_exception=rule):
                client.track("Nested")
                if rule == "discard":
                    raise HandlerError
            if number % 1_000 == 999:
                client.flush()

    tracemalloc.start()
    try:
        with client.invocation() as run:
            work(1_000)
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            work(scopes)
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    # A buffer that is kept takes a thousand bytes.
    assert grown < scopes * 100
    assert run.result is not None
    assert client.stats.sent + client.stats.discarded == client.stats.tracked == scopes + 1_000


def test_the_end_of_very_many_nested_scopes_is_in_time() -> None:
    """The flush of an invocation that has had twenty thousand nested scopes keeps to its budget."""
    client = FormoAnalytics("a-key", transport=Taking(), handle_signals=False)
    scopes = 20_000
    with client.invocation(timeout=1.0) as run:
        for _ in range(scopes):
            with client.invocation():
                client.track("Nested")
        client.flush(10.0)
        client.track("Last")
        began = time.monotonic()
    took = time.monotonic() - began
    assert run.result is not None
    assert run.result.ok
    assert run.result.retained == 0
    assert took < 0.3
    assert client.stats.sent == client.stats.tracked == scopes + 1
