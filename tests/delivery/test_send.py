"""What a sender makes of a server's answers: attempts, splits, and the outcome of each event."""

from __future__ import annotations

import http.client
import itertools
import json
import ssl
import time
from email.message import Message
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.constants import FAIR_ATTEMPT, MAX_ISOLATION_REQUESTS
from formo_lambda.delivery import batch, send
from formo_lambda.delivery.deadline import Deadline
from formo_lambda.delivery.places import Request
from formo_lambda.delivery.send import Sender
from formo_lambda.options import WriteKey
from formo_lambda.transport.protocol import Response, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from formo_lambda.delivery.retry import TransientFailure
    from formo_lambda.delivery.tally import Outcome

    Answering = Callable[[list[int]], Response | BaseException]


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
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Response) and 200 <= answer.status < 300:
            self.accepted += numbers
        return answer


def events_of(count: int, size: int = 0) -> list[bytes]:
    """Return so many events, each with its number, and so many bytes more."""
    return [b'{"n":%d,"x":"%s"' % (number, b"x" * size) for number in range(count)]


class Refused(NamedTuple):
    """Events that were given up.

    Attributes:
        numbers: Their numbers.
        why: What was said of them.
    """

    numbers: list[int]
    why: Outcome


class Recorded(Request):
    """A request of so many events that writes down what is told of it.

    Attributes:
        size: Bytes of each event, beside its number.
        sent: How many events were sent.
        quarantined: How many of those the server set aside.
        refused: The events that were given up, with their reasons.
        kept: The numbers of the events whose outcome was not told.
        requests: Requests that were made on the wire.
        answers: Answers that were no failure of the server's own.
        failure: What ended it.
    """

    def __init__(self, count: int, deadline: Deadline | None = None, *, probe: bool = False) -> None:
        nowhere: Any = None
        super().__init__(nowhere, deadline or Deadline.after(10.0), self._count_answer, probe=probe)
        self.count = count
        self.size = 0
        self.sent = 0
        self.quarantined = 0
        self.refused: list[Refused] = []
        self.kept = list(range(count))
        self.requests = 0
        self.answers = 0
        self.failure: TransientFailure | None = None

    def events(self) -> list[list[bytes]]:
        """Return the events, of one flush."""
        return [events_of(self.count, self.size)]

    def settle(self, number: int, outcome: Outcome) -> None:
        """Note the outcome of the next events."""
        assert 1 <= number <= len(self.kept)
        settled, self.kept = self.kept[:number], self.kept[number:]
        if outcome.reason:
            assert not outcome.quarantined
            self.refused.append(Refused(settled, outcome))
        else:
            assert (outcome.status, outcome.transient) == (None, False)
            self.sent += number
            self.quarantined += outcome.quarantined

    def attempted(self, requests: int) -> None:
        """Count requests."""
        self.requests += requests

    def _count_answer(self) -> None:
        self.answers += 1

    @property
    def given_up(self) -> list[int]:
        """The numbers of the events that were given up."""
        return [number for refused in self.refused for number in refused.numbers]

    @property
    def reached(self) -> bool:
        """Whether the server was reached, as far as the one who asked can tell."""
        return self.answers > 0 or (self.failure is not None and self.failure.status is not None)


#: What the sender slept between attempts, in seconds.
naps: list[float] = []


@pytest.fixture(autouse=True, scope="module")
def _no_waiting() -> Iterator[None]:
    """Have the sender go on at once where it would wait between two attempts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(send, "time", SimpleNamespace(time=time.time, sleep=naps.append))
        yield


def sender_over(transport: Scripted, *, retries: int = 3, foreign: bool = True) -> Sender:
    """Return a sender over a transport, which is a user's own unless told otherwise."""
    return Sender(transport, WriteKey("test-key"), request_timeout=5.0, retry_count=retries, foreign=foreign)


def deliver(
    transport: Scripted,
    count: int,
    *,
    size: int = 0,
    budget: float = 1_000.0,
    retries: int = 3,
    probe: bool = False,
    background: bool = False,
) -> Recorded:
    """Send so many events as one request, without waiting between attempts."""
    naps.clear()
    request = Recorded(count, Deadline.after(budget), probe=probe)
    request.size = size
    request.background = background
    request.failure = sender_over(transport, retries=retries).send(request)
    return request


def in_turn(*answers: Response | BaseException) -> Answering:
    """Return an answer to each request in turn, and 200 after them."""
    left = list(answers)
    return lambda _: left.pop(0) if left else Response(200)


def test_an_accepted_batch_is_sent() -> None:
    """One request, and every event counts as sent."""
    transport = Scripted(lambda _: Response(202))
    outcome = deliver(transport, 5)
    assert (outcome.sent, outcome.quarantined, outcome.kept, outcome.refused) == (5, 0, [], [])
    assert (outcome.failure, outcome.requests, outcome.answers) == (None, 1, 1)
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
        Response(425),
        Response(429, {"retry-after": "0"}),
        Response(499),
        ConnectionResetError("reset"),
        TransportError("timed out"),
        RuntimeError("odd"),
    ],
)
def test_a_transient_failure_is_tried_again(failure: Response | Exception) -> None:
    """The same events go out again, and the attempts are counted."""
    transport = Scripted(in_turn(failure, failure))
    outcome = deliver(transport, 3)
    assert (outcome.sent, outcome.requests, outcome.failure) == (3, 3, None)
    assert transport.bodies == [[0, 1, 2]] * 3


def test_a_lasting_failure_keeps_the_events() -> None:
    """After the last attempt all events are kept, in order, with the reason."""
    transport = Scripted(lambda _: Response(503, {"Retry-After": "0"}))
    outcome = deliver(transport, 3, retries=2)
    assert outcome.kept == [0, 1, 2]
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
    outcome = deliver(transport, 3, probe=True)
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
    ((numbers, why),) = outcome.refused
    assert numbers == [0, 1, 2, 3]
    assert (why.status, why.transient) == (status, False)
    assert str(status) in why.reason


def test_a_web_page_gives_the_events_up() -> None:
    """Whoever answers 200 with HTML is not Formo, and will not be when it is asked again."""
    outcome = deliver(Scripted(lambda _: Response(200, {"content-type": "text/html"}, b"<html>")), 4)
    assert (outcome.sent, outcome.kept, outcome.requests, outcome.failure) == (0, [], 1, None)
    ((numbers, why),) = outcome.refused
    assert (numbers, why.status, why.transient) == ([0, 1, 2, 3], 200, False)
    assert why.reason == "the answer is a web page, not Formo's (HTTP 200); is api_host right?"


@pytest.mark.parametrize(("retries", "probe"), [(0, False), (3, False), (3, True)])
def test_a_misdirected_request_is_repeated_at_once(retries: int, probe: bool) -> None:  # noqa: FBT001
    """Another connection may lead to the right server: the repeat is no retry, and nothing waits for it."""
    transport = Scripted(in_turn(Response(421, {"Retry-After": "9"})))
    outcome = deliver(transport, 3, retries=retries, probe=probe)
    assert (outcome.sent, outcome.requests, outcome.answers, naps) == (3, 2, 1, [])
    assert transport.bodies == [[0, 1, 2]] * 2


def test_a_request_that_is_misdirected_twice_is_refused() -> None:
    """Then it is no connection that is wrong."""
    outcome = deliver(Scripted(lambda _: Response(421)), 4)
    assert (outcome.kept, outcome.requests, outcome.answers, outcome.failure) == ([], 2, 1, None)
    ((numbers, why),) = outcome.refused
    assert (numbers, why.status) == ([0, 1, 2, 3], 421)
    assert why.reason.endswith("(HTTP 421); is api_host right?")


@pytest.mark.parametrize("failure", [Response(503), ConnectionResetError()])
def test_a_repeat_may_fail_as_any_attempt(failure: Response | Exception) -> None:
    """It is followed by as many retries as there are."""
    transport = Scripted(in_turn(Response(421), failure, failure))
    outcome = deliver(transport, 2, retries=2)
    assert (outcome.sent, outcome.requests, len(naps)) == (2, 4, 2)


def test_without_time_a_misdirected_request_is_kept() -> None:
    """A later flush repeats it."""
    deadline = Deadline.after(1_000.0)

    def answer(_: list[int]) -> Response:
        deadline.at = 0.0
        return Response(421)

    outcome = Recorded(2, deadline)
    assert sender_over(Scripted(answer)).send(outcome) is not None
    assert (outcome.requests, outcome.kept) == (1, [0, 1])


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
    ((numbers, why),) = outcome.refused
    assert (numbers, why.status) == ([5], 413)


@given(st.integers(1, 100), st.integers(0, 99))
def test_one_bad_event_is_isolated(count: int, bad: int) -> None:
    """Of a refused batch, the good events arrive and the bad one is given up, within the limit of requests."""
    transport = Scripted(lambda numbers: Response(400 if bad in numbers else 200))
    outcome = deliver(transport, count)
    assert outcome.given_up == ([bad] if bad < count else [])
    assert transport.accepted == [number for number in range(count) if number != bad]
    assert len(transport.bodies) <= 1 + MAX_ISOLATION_REQUESTS


@given(st.integers(1, 100), st.sets(st.integers(0, 99)))
def test_isolation_is_bounded_and_loses_nothing(count: int, bad: set[int]) -> None:
    """However many events are bad: at most 32 requests more, each event accounted once, no bad one sent."""
    transport = Scripted(lambda numbers: Response(400 if bad & set(numbers) else 200))
    outcome = deliver(transport, count)
    assert len(transport.bodies) == outcome.requests <= 1 + MAX_ISOLATION_REQUESTS
    assert sorted(transport.accepted + outcome.given_up) == list(range(count))
    assert outcome.sent == len(transport.accepted)
    assert not bad & set(transport.accepted)


def test_what_could_not_be_isolated_is_given_up() -> None:
    """With every event bad, the limit is used and then all of them are given up, none kept for ever."""
    outcome = deliver(Scripted(lambda _: Response(400)), 100)
    assert outcome.requests == 1 + MAX_ISOLATION_REQUESTS
    assert len(outcome.given_up) == 100
    assert outcome.kept == []


def test_isolation_ends_with_the_deadline() -> None:
    """No request is spent on finding bad events once the time is over."""
    deadline = Deadline.after(1_000.0)

    def answer(_: list[int]) -> Response:
        deadline.at = 0.0
        return Response(400)

    outcome = Recorded(8, deadline)
    assert sender_over(Scripted(answer), retries=0).send(outcome) is None
    assert (outcome.requests, outcome.sent, outcome.kept) == (1, 0, [])
    assert outcome.given_up == list(range(8))


def test_a_failure_amid_a_split_keeps_only_what_is_open() -> None:
    """What arrived before it counts as sent; the rest is kept in order."""
    transport = Scripted(in_turn(Response(413), Response(200), ConnectionResetError()))
    outcome = deliver(transport, 10, retries=0)
    assert transport.accepted == [0, 1, 2, 3, 4]
    assert outcome.sent == 5
    assert outcome.kept == [5, 6, 7, 8, 9]


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
        (b"<answer>", 0),
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
    """Whatever the bytes of an answer, the batch is settled by it, and its quarantine is within its size."""
    outcome = deliver(Scripted(lambda _: Response(200, {}, answer)), 3)
    assert outcome.sent + len(outcome.given_up) == 3
    assert outcome.requests == 1
    assert 0 <= outcome.quarantined <= 3


@given(
    st.integers(1, 60),
    st.lists(
        st.sampled_from([200, 202, 301, 400, 401, 408, 413, 421, 429, 500, 503, None]),
        max_size=30,
    ),
)
def test_every_event_has_one_outcome(count: int, statuses: list[int | None]) -> None:
    """Under any sequence of answers: sent, kept or refused, each event once, and every request counted."""
    answers = [ConnectionError() if status is None else Response(status) for status in statuses]
    transport = Scripted(in_turn(*answers))
    outcome = deliver(transport, count)
    assert sorted(transport.accepted + outcome.given_up + outcome.kept) == list(range(count))
    assert outcome.sent == len(transport.accepted)
    assert outcome.requests == len(transport.bodies)
    assert (outcome.failure is None) == (not outcome.kept)


def chained(*errors: BaseException) -> BaseException:
    """Return the first of some exceptions, each of which was raised while the next one was handled."""
    for error, cause in itertools.pairwise(errors):
        error.__context__ = cause
    return errors[0]


RESETS = [
    ConnectionResetError(),
    BrokenPipeError(),
    http.client.RemoteDisconnected("closed"),
    chained(TransportError("reset", requests=1), ConnectionResetError()),
    chained(RuntimeError("a client's own error"), RuntimeError("its library's"), BrokenPipeError()),
    ssl.SSLEOFError(),
    ssl.SSLZeroReturnError(),
]


def above(most: int, error: BaseException) -> Answering:
    """Take so many events at a time, and fail for more."""
    return lambda numbers: error if len(numbers) > most else Response(200)


@pytest.mark.parametrize("error", RESETS, ids=lambda error: type(error).__name__)
def test_a_large_batch_that_is_reset_twice_is_halved(error: BaseException) -> None:
    """A server that hangs up on large bodies without a word gets smaller ones, each event once and in order."""
    transport = Scripted(above(30, error))
    outcome = deliver(transport, 100, size=4_000)
    assert (outcome.sent, outcome.failure, transport.accepted) == (100, None, list(range(100)))
    assert [len(numbers) for numbers in transport.bodies] == [100, 100, 50, 50, 25, 25, 50, 50, 25, 25]
    assert len(naps) == 3


@pytest.mark.parametrize(("retries", "probe"), [(0, False), (3, True)])
def test_where_there_is_one_attempt_a_large_batch_is_halved_after_it(retries: int, probe: bool) -> None:  # noqa: FBT001
    """Else it would never arrive."""
    transport = Scripted(above(50, BrokenPipeError()))
    outcome = deliver(transport, 100, size=1_000, retries=retries, probe=probe)
    assert (outcome.sent, outcome.failure, naps) == (100, None, [])
    assert [len(numbers) for numbers in transport.bodies] == [100, 50, 50]


@pytest.mark.parametrize(("count", "size"), [(100, 100), (1, 100_000)], ids=["a small batch", "one event"])
def test_what_is_small_or_cannot_be_halved_is_tried_whole(count: int, size: int) -> None:
    """A reset says nothing of the size of what is not large."""
    transport = Scripted(lambda _: ConnectionResetError())
    outcome = deliver(transport, count, size=size)
    assert transport.bodies == [list(range(count))] * 4
    assert outcome.kept == list(range(count))


@pytest.mark.parametrize(("size", "bodies"), [(65_535, [[0, 1]]), (65_537, [[0, 1], [0], [1]])])
def test_a_large_body_has_more_than_64_kb(size: int, bodies: list[list[int]]) -> None:
    """A byte less, and its size is not suspected."""
    padding = (size - len(batch.join(events_of(2), 0.0))) // 2
    assert len(batch.join(events_of(2, padding), 0.0)) == size
    transport = Scripted(above(1, ConnectionResetError()))
    deliver(transport, 2, size=padding, retries=0)
    assert transport.bodies == bodies


@pytest.mark.parametrize("error", [ConnectionRefusedError(), TimeoutError(), ConnectionError(), RuntimeError()])
def test_other_failures_do_not_halve_a_large_batch(error: Exception) -> None:
    """They say nothing of its size."""
    transport = Scripted(lambda _: error)
    outcome = deliver(transport, 100, size=4_000)
    assert [len(numbers) for numbers in transport.bodies] == [100] * 4
    assert outcome.failure is not None


def test_resets_need_not_follow_one_another() -> None:
    """What a busy server answers between them does not count."""
    transport = Scripted(in_turn(ConnectionResetError(), Response(503), TimeoutError(), ConnectionResetError()))
    outcome = deliver(transport, 100, size=1_000)
    assert [len(numbers) for numbers in transport.bodies] == [100] * 4 + [50, 50]
    assert (outcome.sent, outcome.failure) == (100, None)


def test_a_server_that_resets_everything_ends_it() -> None:
    """The batch is halved until it is small, and then tried as ever: all events are kept."""
    transport = Scripted(lambda _: ConnectionResetError())
    outcome = deliver(transport, 100, size=4_000)
    assert [len(numbers) for numbers in transport.bodies] == [100, 100, 50, 50, 25, 25] + [12] * 4
    assert outcome.kept == list(range(100))
    assert outcome.failure is not None
    assert outcome.failure.tried


def test_without_time_a_large_batch_is_not_halved() -> None:
    """The reset is what ended it, and is told as the reason."""
    deadline = Deadline.after(1_000.0)

    def answer(_: list[int]) -> Exception:
        deadline.at = 0.0
        return ConnectionResetError()

    outcome = Recorded(100, deadline)
    outcome.size = 1_000
    failure = sender_over(Scripted(answer), retries=0).send(outcome)
    assert failure is not None
    assert "ConnectionResetError" in failure.reason
    assert (outcome.requests, outcome.kept) == (1, list(range(100)))


def test_the_pause_between_attempts_is_slept() -> None:
    """What the server asks for by Retry-After is waited for before each further attempt."""
    outcome = deliver(Scripted(in_turn(*[Response(503, {"Retry-After": "9"})] * 2)), 1)
    assert (outcome.sent, outcome.requests, naps) == (1, 3, [9.0, 9.0])


def test_a_longer_wait_than_allowed_ends_it() -> None:
    """Where nobody waits for the events, the thread is not held through a long pause."""
    outcome = deliver(Scripted(lambda _: Response(503, {"Retry-After": "9"})), 2, background=True)
    assert (outcome.kept, outcome.requests, naps) == ([0, 1], 1, [])


@pytest.mark.parametrize(
    ("status", "answers"),
    [
        *[(200, 1), (202, 1), (301, 1), (400, 1), (401, 1), (413, 1), (421, 1), (422, 1)],
        *[(408, 0), (425, 0), (429, 0), (499, 0), (500, 0), (503, 0)],
    ],
)
def test_what_is_an_answer(status: int, answers: int) -> None:
    """A refusal shows that the server is well; a failure of its own does not."""
    assert deliver(Scripted(lambda _: Response(status)), 1, retries=0).answers == answers


def cut_short(*answers: Response | Exception, takes: float = 0.0, span: float = 2.0) -> Recorded:
    """Send one event; the last answer ends the time, after it has taken some of it."""
    now = time.monotonic()
    deadline = Deadline(now + 4.0, span)
    left = list(answers)
    taken = 0.0

    def answer(_: list[int]) -> Response | Exception:
        nonlocal taken
        if len(left) == 1:
            deadline.at = 0.0
            taken = takes
        return left.pop(0)

    outcome = Recorded(1, deadline)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(send, "monotonic", lambda: now + taken)
        outcome.failure = sender_over(Scripted(answer)).send(outcome)
    assert (outcome.kept, outcome.requests) == ([0], len(answers))
    return outcome


@pytest.mark.parametrize(
    ("takes", "span", "tried"),
    [
        (FAIR_ATTEMPT * 1.1, 2.0, True),
        (FAIR_ATTEMPT * 0.9, 2.0, False),
        (0.06, 0.1, True),
        (0.04, 0.1, False),
    ],
)
def test_a_server_that_had_hardly_any_time_is_not_blamed(takes: float, span: float, tried: bool) -> None:  # noqa: FBT001
    """An attempt that the deadline cut short counts if it had a quarter of a second, or half of a shorter flush."""
    failure = cut_short(TimeoutError(), takes=takes, span=span).failure
    assert failure is not None
    assert failure.tried is tried


def test_a_failure_that_no_deadline_caused_is_blamed_at_once() -> None:
    """A refused connection says something of the server, however little time it took."""
    failure = deliver(Scripted(lambda _: ConnectionRefusedError()), 1, retries=0).failure
    assert failure is not None
    assert failure.tried


def test_an_attempt_that_was_cut_short_does_not_excuse_the_one_before_it() -> None:
    """The server failed once with time enough."""
    failure = cut_short(Response(503), TimeoutError()).failure
    assert failure is not None
    assert (failure.status, failure.tried) == (None, True)


def test_without_time_nobody_is_blamed() -> None:
    """A request that was never made says nothing."""
    failure = deliver(Scripted(lambda _: Response(200)), 1, budget=0.0).failure
    assert failure is not None
    assert not failure.tried


@pytest.mark.parametrize(
    "answer",
    [
        None,
        SimpleNamespace(status="200", headers={}, body=b"", requests=1),
        SimpleNamespace(status=200, headers=7, body=b"", requests=1),
        SimpleNamespace(status=200, headers=[("a", "b")], body=b"", requests=1),
        SimpleNamespace(status=200, headers={}, body="text", requests=1),
        SimpleNamespace(status=200, headers={}, body=7, requests=1),
        SimpleNamespace(status=200, headers={}, body=[123, 125], requests=1),
        SimpleNamespace(status=200, headers={}, body=b""),
    ],
)
def test_what_is_no_answer_is_a_failure(answer: Any) -> None:
    """A transport of the user's own may return anything: the events are kept, and nothing raises."""
    outcome = deliver(Scripted(lambda _: answer), 2, retries=1)
    assert (outcome.sent, outcome.kept, outcome.requests) == (0, [0, 1], 2)
    assert outcome.failure is not None


@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize(("name", "values"), [("headers", [("a", "b")]), ("body", [123, 125])])
def test_an_iterator_of_the_users_is_not_consumed(name: str, values: list[Any], status: int) -> None:
    """What a transport hands out where a mapping or bytes belong is no answer, and is still whole afterwards."""
    theirs = iter(values)
    answer: Any = SimpleNamespace(**{"status": status, "headers": {}, "body": b"", "requests": 1, name: theirs})
    outcome = deliver(Scripted(lambda _: answer), 2, retries=1)
    assert (outcome.sent, outcome.kept, outcome.requests) == (0, [0, 1], 2)
    assert list(theirs) == values


@pytest.mark.parametrize("body", [b'{"quarantined_rows": 1}', bytearray(b'{"quarantined_rows": 1}'), memoryview(b"{}")])
def test_an_answer_has_any_kind_of_bytes(body: Any) -> None:
    """A transport of the user's own may read into a buffer of its own."""
    outcome = deliver(Scripted(lambda _: Response(200, {}, body)), 2)
    assert (outcome.sent, outcome.quarantined) == (2, bytes(body).count(b"1"))


def test_header_fields_come_in_any_mapping() -> None:
    """Those of `urllib.request` are a message, and a number may be a number."""
    message = Message()
    message["Retry-After"] = "9"
    for headers in (message, {"Retry-After": 9}, {7: None, "RETRY-AFTER": "9"}):
        fields: Any = headers
        outcome = deliver(Scripted(in_turn(Response(503, fields))), 1)
        assert (outcome.sent, naps) == (1, [9.0])


@pytest.mark.parametrize(
    ("error", "foreign"), [(KeyboardInterrupt, True), (KeyboardInterrupt, False), (SystemExit, False)]
)
def test_an_exception_of_a_signal_handler_passes(error: type[BaseException], foreign: bool) -> None:  # noqa: FBT001
    """It is not an attempt that failed: what was told before it stands, and nothing is tried again."""

    def answer(numbers: list[int]) -> Response:
        if numbers[0] == 0:
            return Response(200 if len(numbers) == 1 else 413)
        raise error

    transport, outcome = Scripted(answer), Recorded(2)
    with pytest.raises(error):
        sender_over(transport, foreign=foreign).send(outcome)
    assert (outcome.sent, outcome.kept, transport.bodies) == (1, [1], [[0, 1], [0], [1]])


def test_a_users_transport_ends_no_process() -> None:
    """Its `sys.exit()` is a failure like any other."""
    outcome = deliver(Scripted(in_turn(SystemExit(3))), 2)
    assert (outcome.sent, outcome.requests, outcome.failure) == (2, 2, None)


def test_only_what_our_own_transport_is_made_to_raise_is_a_failure_of_it() -> None:
    """Anything else was raised into the thread from outside, as by a signal handler that limits its time: it passes."""

    class TooLongError(Exception):
        pass

    transport, outcome = Scripted(in_turn(TransportError("reset"), TooLongError())), Recorded(2)
    with pytest.raises(TooLongError):
        sender_over(transport, foreign=False).send(outcome)
    assert (outcome.kept, outcome.requests, len(transport.bodies)) == ([0, 1], 1, 2)
