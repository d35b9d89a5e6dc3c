"""Many invocations at once, and many events in one: Formo's answer takes 100 ms, and nobody waits for long."""

from __future__ import annotations

import functools
import statistics
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from formo_lambda import FormoAnalytics
from tests.benchmarks.server import FastServer
from tests.promises.crowds import EVENTS, Crowd, Invoked, Tasks, Threads, WebServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.benchmarks.server import Taken

#: How long the server takes for each answer.
_ANSWER = 0.1
#: How often so many invocations begin at once.
_ROUNDS = {8: 4, 40: 2, 80: 2, 200: 4}
#: The most requests' times that 95 of 100 may take. The promise is 1.5, 3 and 4, which the benchmark measures; here is
#: room for a machine that is busy with other things. One behind another, they would take 8 to 200.
_ROOM = {8: 5.0, 40: 10.0, 80: 12.0, 200: 20.0}

_NEEDS = {"uvicorn": "uvicorn", "gthread": "gunicorn"}
_WAYS = ("threads", "tasks", "uvicorn", "gthread")
_CASES = [pytest.param((way, count), id=f"{way}-{count}") for way in _WAYS for count in _ROUNDS]


class Outcome(NamedTuple):
    """What became of one crowd: so many invocations at once, in some rounds, on a warm connection."""

    many: int
    invoked: Invoked
    arrived: list[str]
    taken: Taken
    before: dict[str, int]
    after: dict[str, int]

    @property
    def invocations(self) -> int:
        """How many there were in all."""
        return self.many * _ROUNDS[self.many]


@pytest.fixture(scope="module")
def server() -> Iterator[FastServer]:
    """Stand in for Formo, in a process of its own."""
    with FastServer() as server:
        yield server


@pytest.fixture(scope="module")
def crowd_of(server: FastServer) -> Iterator[Callable[[str], Crowd]]:
    """Return the process that invocations run in, by its way to run them; its connection is warm."""
    server.delay(_ANSWER)
    crowds: dict[str, Threads | Tasks | WebServer] = {}

    def get(way: str) -> Crowd:
        if way not in crowds:
            make: Callable[[str], Any] = {"threads": Threads, "tasks": Tasks}.get(
                way, functools.partial(WebServer, way)
            )
            crowds[way] = make(server.url())
            crowds[way].invoke(1, 1)
        return crowds[way]

    yield get
    for crowd in crowds.values():
        crowd.close()


@pytest.fixture(scope="module")
def outcomes() -> dict[object, Outcome]:
    """Keep what became of each crowd for all the tests that look at it."""
    return {}


@pytest.fixture(params=_CASES)
def outcome(
    request: pytest.FixtureRequest,
    server: FastServer,
    crowd_of: Callable[[str], Crowd],
    outcomes: dict[object, Outcome],
) -> Outcome:
    """Have so many invocations at once, and see what became of them."""
    way, count = request.param
    if way in _NEEDS:
        pytest.importorskip(_NEEDS[way], reason="the servers are tools of development")
    if request.param not in outcomes:
        crowd = crowd_of(way)
        server.take()
        before = crowd.stats()
        invoked = crowd.invoke(count, _ROUNDS[count])
        after = crowd.stats()
        arrived = server.ids()
        outcomes[request.param] = Outcome(count, invoked, arrived, server.take(), before, after)
    return outcomes[request.param]


def test_everything_is_sent(outcome: Outcome) -> None:
    """When the last of them has returned, each event has arrived, once, and none is kept for later."""
    assert sorted(outcome.arrived) == sorted(outcome.invoked.ids)
    assert len(outcome.invoked.ids) == outcome.invocations * EVENTS
    changed = {name: outcome.after[name] - outcome.before[name] for name in outcome.after if name != "requests"}
    assert {name: change for name, change in changed.items() if change} == {
        "tracked": outcome.invocations * EVENTS,
        "sent": outcome.invocations * EVENTS,
    }


def test_nobody_waits_for_long(outcome: Outcome) -> None:
    """95 of 100 take hardly longer than one alone would, and with hundreds not many times as long."""
    times = outcome.invoked.seconds
    assert len(times) == outcome.invocations
    slow = statistics.quantiles(times, n=20)[-1]
    assert slow < _ROOM[outcome.many] * _ANSWER, f"median {statistics.median(times):.3f} s, slowest {max(times):.3f} s"


def test_requests_are_shared(outcome: Outcome) -> None:
    """Those that would wait for a free place share requests: 800 invocations make at most 400."""
    most = outcome.invocations / 2 if outcome.many >= 80 else outcome.invocations
    assert outcome.taken.requests <= most
    assert outcome.taken.requests == outcome.after["requests"] - outcome.before["requests"]


def test_the_server_is_never_crowded(outcome: Outcome) -> None:
    """No more than ten requests are under way at one moment, however many invocations wait."""
    assert outcome.taken.at_once <= 10


def test_many_events_in_one_invocation(server: FastServer) -> None:
    """2 000 events of one invocation leave side by side: it takes three times one request's time, not twenty."""
    threads = Threads(server.url())
    server.delay(_ANSWER)
    threads.client.track("Warm")
    assert threads.client.flush().ok
    server.take()
    times = []
    for _ in range(2):
        began = time.monotonic()
        with threads.client.invocation() as run:
            ids = [threads.client.track("SwapCompleted", properties={"number": number}) for number in range(2_000)]
        times.append(time.monotonic() - began)
        assert run.result is not None
        assert (run.result.ok, run.result.sent) == (True, 2_000)
        assert sorted(server.ids()) == sorted(ids)
        assert server.take().at_once <= 10
    assert min(times) < 12 * _ANSWER  # with room, as above


def test_nothing_is_dropped_when_events_come_faster_than_answers(server: FastServer) -> None:
    """While Formo answers, a loop that tracks more than may be retained loses no event."""
    server.delay(_ANSWER)
    client = FormoAnalytics("test-key", api_host=server.url(), max_pending_size=200_000)
    server.take()
    with client.invocation(timeout=10):
        ids = [client.track("SwapCompleted", properties={"number": number}) for number in range(5_000)]
    assert client.flush(timeout=10).ok
    assert client.stats.undelivered == 0
    assert sorted(server.ids()) == sorted(ids)
