"""What the courier makes of a server's answers: attempts, splits, and the outcome of each event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.delivery.courier import Courier, Outcome
from formo_lambda.delivery.transport import Response, TransportError
from formo_lambda.invocation import Deadline
from formo_lambda.options import MAX_ISOLATION_REQUESTS, WriteKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Answering = Callable[[list[int]], Response | Exception]


class Scripted:
    """A transport that answers as a function of the events' numbers says, and keeps what it was given.

    Attributes:
        bodies: The numbers of the events of each request.
        timeouts: The time allowed for each.
        headers: The header fields of the last one.
        accepted: The numbers answered with 2xx, in order.
    """

    def __init__(self, answer: Answering) -> None:
        self._answer = answer
        self.bodies: list[list[int]] = []
        self.timeouts: list[float] = []
        self.headers: Mapping[str, str] = {}
        self.accepted: list[int] = []

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Answer one request."""
        numbers = [row["n"] for row in json.loads(body)]
        self.bodies.append(numbers)
        self.timeouts.append(timeout)
        self.headers = headers
        answer = self._answer(numbers)
        if isinstance(answer, Exception):
            raise answer
        if 200 <= answer.status < 300:
            self.accepted += numbers
        return answer


def events_of(count: int) -> list[bytes]:
    """Return so many events, each with its number."""
    return [b'{"n":%d' % number for number in range(count)]


def numbers_of(events: Sequence[bytes]) -> list[int]:
    """Return the numbers of events."""
    return [int(event[5:]) for event in events]


def deliver(transport: Scripted, count: int, *, budget: float = 1_000.0, retries: int = 3, **more: Any) -> Outcome:
    """Deliver so many events, without waiting between attempts."""
    courier = Courier(transport, WriteKey("test-key"), request_timeout=5.0, retry_count=retries)
    return courier.deliver(events_of(count), Deadline.after(budget), lambda _: None, **more)


def accounted(outcome: Outcome) -> int:
    """Return how many events the outcome speaks of."""
    return outcome.sent + len(outcome.kept) + sum(len(refused.events) for refused in outcome.refused)


def in_turn(*answers: Response | Exception) -> Answering:
    """Return an answer to each request in turn, and 200 after them."""
    left = list(answers)
    return lambda _: left.pop(0) if left else Response(200)


def test_an_accepted_batch_is_sent() -> None:
    """One request, and every event counts as sent."""
    transport = Scripted(lambda _: Response(202))
    assert deliver(transport, 5) == Outcome(5, 0, [], [], None, 1, reached=True)
    assert transport.bodies == [[0, 1, 2, 3, 4]]


def test_the_request_says_who_and_what() -> None:
    """The headers are the content type, the bearer token, and the name of this library."""
    transport = Scripted(lambda _: Response(200))
    deliver(transport, 1)
    assert set(transport.headers) == {"Content-Type", "Authorization", "User-Agent"}
    assert transport.headers["Content-Type"] == "application/json"
    assert transport.headers["Authorization"] == "Bearer test-key"
    assert transport.headers["User-Agent"].startswith("Formo-Python-SDK/")


@pytest.mark.parametrize(
    "failure",
    [
        Response(500),
        Response(503),
        Response(408),
        Response(429, {"retry-after": "0"}),
        ConnectionResetError("reset"),
        TransportError("timed out"),
        RuntimeError("odd"),
    ],
)
def test_a_passing_failure_is_tried_again(failure: Response | Exception) -> None:
    """The same events go out again, and the attempts are counted."""
    transport = Scripted(in_turn(failure, failure))
    outcome = deliver(transport, 3)
    assert (outcome.sent, outcome.requests, outcome.failure) == (3, 3, None)
    assert transport.bodies == [[0, 1, 2]] * 3


def test_a_lasting_failure_keeps_the_events() -> None:
    """After the last attempt all events are kept, in order, with the reason."""
    transport = Scripted(lambda _: Response(503, {"Retry-After": "0"}))
    outcome = deliver(transport, 3, retries=2)
    assert numbers_of(outcome.kept) == [0, 1, 2]
    assert outcome.failure is not None
    assert (outcome.failure.status, outcome.failure.pause, outcome.requests, outcome.reached) == (503, 0.0, 3, True)


def test_a_server_that_gave_no_answer_was_not_reached() -> None:
    """An answer of any kind proves that there is a server; none does not."""
    assert not deliver(Scripted(lambda _: TimeoutError()), 1).reached
    assert deliver(Scripted(in_turn(TimeoutError(), Response(500))), 1, retries=1).reached


def test_requests_of_a_failed_exchange_are_counted() -> None:
    """An attempt that took two connections counts as two requests, whether it succeeded or not."""
    assert deliver(Scripted(lambda _: TransportError("reset", requests=2)), 1, retries=1).requests == 4
    assert deliver(Scripted(lambda _: Response(200, requests=2)), 1).requests == 2


def test_a_probe_is_one_attempt() -> None:
    """A single attempt is not followed by another, whatever `retry_count` says."""
    transport = Scripted(lambda _: Response(500))
    outcome = deliver(transport, 3, single_attempt=True)
    assert (outcome.requests, len(outcome.kept)) == (1, 3)


def test_without_time_nothing_is_sent() -> None:
    """A deadline that is over keeps the events and makes no request."""
    transport = Scripted(lambda _: Response(200))
    outcome = deliver(transport, 3, budget=0.0)
    assert (transport.bodies, len(outcome.kept), outcome.requests) == ([], 3, 0)
    assert outcome.failure is not None
    assert outcome.failure.reason == "out of time"


def test_an_attempt_gets_what_is_left_of_the_time() -> None:
    """The time allowed is the attempt's own bound or the rest of the deadline, whichever is less."""
    transport = Scripted(lambda _: Response(200))
    deliver(transport, 1)
    deliver(transport, 1, budget=1.0)
    assert transport.timeouts[0] == 5.0
    assert 0.5 < transport.timeouts[1] <= 1.0


@pytest.mark.parametrize("status", [301, 401, 403, 404, 410, 422])
def test_a_refusal_gives_the_events_up(status: int) -> None:
    """What will never be accepted is not tried twice, and comes back with status and reason."""
    outcome = deliver(Scripted(lambda _: Response(status)), 4)
    assert (outcome.sent, outcome.kept, outcome.requests, outcome.failure) == (0, [], 1, None)
    ((events, error),) = outcome.refused
    assert numbers_of(events) == [0, 1, 2, 3]
    assert (error.status, error.count, error.transient) == (status, 4, False)


@given(st.integers(1, 100), st.integers(1, 100))
def test_too_large_is_split_until_it_fits(count: int, most: int) -> None:
    """A server that takes so many events at once gets them all, in order, once each."""
    transport = Scripted(lambda numbers: Response(413 if len(numbers) > most else 200))
    outcome = deliver(transport, count)
    assert (outcome.sent, outcome.kept, outcome.refused) == (count, [], [])
    assert transport.accepted == list(range(count))


def test_one_event_that_is_too_large_is_given_up_alone() -> None:
    """The events beside it arrive."""
    outcome = deliver(Scripted(lambda numbers: Response(413 if 5 in numbers else 200)), 20)
    assert outcome.sent == 19
    ((events, error),) = outcome.refused
    assert (numbers_of(events), error.status) == ([5], 413)


@given(st.integers(1, 100), st.integers(0, 99))
def test_one_bad_event_is_isolated(count: int, bad: int) -> None:
    """Of a refused batch, the good events arrive and the bad one is given up, within the limit of requests."""
    transport = Scripted(lambda numbers: Response(400 if bad in numbers else 200))
    outcome = deliver(transport, count)
    gone = [number for refused in outcome.refused for number in numbers_of(refused.events)]
    assert gone == ([bad] if bad < count else [])
    assert transport.accepted == [number for number in range(count) if number != bad]
    assert len(transport.bodies) <= 1 + MAX_ISOLATION_REQUESTS


@given(st.integers(1, 100), st.sets(st.integers(0, 99)))
def test_isolation_is_bounded_and_loses_nothing(count: int, bad: set[int]) -> None:
    """However many events are bad: at most 32 requests more, each event accounted once, no bad one sent."""
    transport = Scripted(lambda numbers: Response(400 if bad & set(numbers) else 200))
    outcome = deliver(transport, count)
    assert len(transport.bodies) == outcome.requests <= 1 + MAX_ISOLATION_REQUESTS
    given_up = [number for refused in outcome.refused for number in numbers_of(refused.events)]
    assert sorted(transport.accepted + given_up) == list(range(count))
    assert outcome.sent == len(transport.accepted)
    assert not bad & set(transport.accepted)


def test_what_could_not_be_isolated_is_given_up() -> None:
    """With every event bad, the limit is used and then all of them are given up, none kept for ever."""
    outcome = deliver(Scripted(lambda _: Response(400)), 100)
    assert outcome.requests == 1 + MAX_ISOLATION_REQUESTS
    assert sum(len(refused.events) for refused in outcome.refused) == 100
    assert outcome.kept == []


def test_isolation_ends_with_the_deadline() -> None:
    """No request is spent on finding bad events once the time is over."""
    deadline = Deadline.after(1_000.0)

    def answer(_: list[int]) -> Response:
        deadline.at = 0.0
        return Response(400)

    transport = Scripted(answer)
    courier = Courier(transport, WriteKey("test-key"), request_timeout=5.0, retry_count=0)
    outcome = courier.deliver(events_of(8), deadline, lambda _: None)
    assert (outcome.requests, accounted(outcome)) == (1, 8)
    assert sum(len(refused.events) for refused in outcome.refused) == 8


def test_a_failure_amid_a_split_keeps_only_what_is_open() -> None:
    """What arrived before it counts as sent; the rest is kept in order."""
    transport = Scripted(in_turn(Response(413), Response(200), ConnectionResetError()))
    outcome = deliver(transport, 10, retries=0)
    assert transport.accepted == [0, 1, 2, 3, 4]
    assert outcome.sent == 5
    assert numbers_of(outcome.kept) == [5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b'{"successful_rows": 2, "quarantined_rows": 1}', 1),
        (b'{"quarantined_rows": 0}', 0),
        (b'{"quarantined_rows": 99}', 3),
        (b'{"quarantined_rows": -1}', 0),
        (b'{"quarantined_rows": true}', 0),
        (b'{"quarantined_rows": "1"}', 0),
        (b'{"quarantined_rows": null}', 0),
        (b'{"quarantined_rows": 1.0}', 0),
        (b'{"successful_rows": 3}', 0),
        (b"", 0),
        (b"OK", 0),
        (b"<html>", 0),
        (b"[]", 0),
        (b"1", 0),
        (b'"quarantined_rows"', 0),
        (b"null", 0),
        (b'{"quarantined_rows": 1', 0),
        (b"\xff\xfe\x00", 0),
        (b"[" * 60_000, 0),
    ],
)
def test_quarantined_rows_are_read_from_any_answer(answer: bytes, expected: int) -> None:
    """The server's word counts where it is a sensible number; an odd body is no failure."""
    outcome = deliver(Scripted(lambda _: Response(200, {}, answer)), 3)
    assert (outcome.sent, outcome.quarantined, outcome.failure) == (3, expected, None)


@given(st.binary(max_size=200))
def test_no_answer_makes_it_raise(answer: bytes) -> None:
    """Whatever the bytes of an answer, the batch is sent and its quarantine is within its size."""
    outcome = deliver(Scripted(lambda _: Response(200, {}, answer)), 3)
    assert outcome.sent == 3
    assert 0 <= outcome.quarantined <= 3


@given(
    st.integers(1, 60),
    st.lists(
        st.sampled_from([200, 202, 301, 400, 401, 408, 413, 429, 500, 503, None]),
        max_size=30,
    ),
)
def test_every_event_has_one_outcome(count: int, statuses: list[int | None]) -> None:
    """Under any sequence of answers: sent, kept or refused, each event once, and every request counted."""
    answers = [ConnectionError() if status is None else Response(status) for status in statuses]
    transport = Scripted(in_turn(*answers))
    outcome = deliver(transport, count)
    given_up = [number for refused in outcome.refused for number in numbers_of(refused.events)]
    assert sorted(transport.accepted + given_up + numbers_of(outcome.kept)) == list(range(count))
    assert outcome.sent == len(transport.accepted)
    assert outcome.requests == len(transport.bodies)
    assert (outcome.failure is None) == (not outcome.kept)
