"""What a flush tells its caller, whole, in each way that it can end."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from formo_lambda import DeliveryError, FlushResult, FormoAnalytics
from formo_lambda.testing import Answer, RecordingTransport
from formo_lambda.transport.protocol import Response
from tests.promises.faults.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from formo_lambda.testing import ReceivedRequest
    from tests.client.recorded import MakeClient

_ROWS = {"successful_rows": 1, "quarantined_rows": 2}


class HandlerError(Exception):
    """What the blocks here are left by."""


class _Cause(NamedTuple):
    status: int | None
    events: int
    transient: bool


def causes(result: FlushResult) -> list[_Cause]:
    """Return what a result says of each cause, without the words."""
    return [_Cause(error.status, error.count, error.transient) for error in result.errors]


def counts(result: FlushResult) -> FlushResult:
    """Return the counts of a result, without its time and its errors."""
    return result._replace(elapsed=0.0, errors=())


def track(client: FormoAnalytics, count: int, name: str = "Counted") -> None:
    """Track so many events."""
    for _ in range(count):
        client.track(name)


class HoldingTransport:
    """Holds each request back until it is told to go on, however long it is to take, and then takes it.

    Attributes:
        begun: Set once a request has come.
        go: Whether requests go on.
        ids: The message ids of each request that was taken.
    """

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.ids: list[list[str]] = []

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Wait, and answer."""
        self.begun.set()
        self.go.wait(10.0)
        self.ids.append([event["message_id"] for event in json.loads(body)])
        return Response(200)


# -- one batch, one answer ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "tracked", "told", "because"),
    [
        (Answer(200), 3, FlushResult(sent=3, requests=1), []),
        (Answer(204), 3, FlushResult(sent=3, requests=1), []),
        (Answer(503), 3, FlushResult(retained=3, requests=1), [_Cause(503, 3, transient=True)]),
        (Answer(408), 3, FlushResult(retained=3, requests=1), [_Cause(408, 3, transient=True)]),
        (
            Answer(429, headers={"retry-after": "60"}),
            3,
            FlushResult(retained=3, requests=1),
            [_Cause(429, 3, transient=True)],
        ),
        (
            Answer(error=ConnectionResetError()),
            3,
            FlushResult(retained=3, requests=1),
            [_Cause(None, 3, transient=True)],
        ),
        (Answer(401), 3, FlushResult(undelivered=3, requests=1), [_Cause(401, 3, transient=False)]),
        (Answer(400), 1, FlushResult(undelivered=1, requests=1), [_Cause(400, 1, transient=False)]),
        (Answer(413), 1, FlushResult(undelivered=1, requests=1), [_Cause(413, 1, transient=False)]),
        (Answer(200, json.dumps(_ROWS).encode()), 3, FlushResult(sent=3, quarantined=2, requests=1), []),
        # A server that sets aside more than it was sent does not know how to count: no more than all of them.
        (Answer(200, json.dumps(_ROWS).encode()), 1, FlushResult(sent=1, quarantined=1, requests=1), []),
    ],
)
@pytest.mark.parametrize("way", ["flush", "aflush", "close", "invocation"])
def test_one_batch_is_told_whole(
    make_client: MakeClient,
    transport: RecordingTransport,
    answer: Answer,
    tracked: int,
    told: FlushResult,
    because: list[_Cause],
    way: str,
) -> None:
    """Every field of the result says what the one answer meant, in each way to flush, and so do the totals."""
    client = make_client(retry_count=0)
    transport.respond_with(answer, forever=True)
    if way == "invocation":
        with client.invocation() as run:
            track(client, tracked)
        assert run.result is not None
        result = run.result
    else:
        track(client, tracked)
        result = asyncio.run(client.aflush()) if way == "aflush" else getattr(client, way)()
    assert counts(result) == told
    assert causes(result) == because
    assert result.ok is (told.sent == tracked and not told.quarantined)
    stats = client.stats
    assert stats._asdict().items() >= {**told._asdict(), "tracked": tracked}.items() - {
        ("elapsed", 0.0),
        ("errors", ()),
    }
    assert 0.0 < result.elapsed < 2.0


@pytest.mark.parametrize("way", ["flush", "aflush", "close", "invocation"])
def test_what_the_users_rule_dropped_is_told_whole(make_client: MakeClient, way: str) -> None:
    """Discarded and invalid events are counted apart from each other, are no fault, and cost no request."""
    client = make_client(on_invalid="log")
    with pytest.raises(HandlerError), client.invocation(on_exception="discard") as run:
        track(client, 2)
        client.track("")
        raise HandlerError
    if way == "invocation":
        assert run.result is not None
        result = run.result
        assert counts(result) == FlushResult(discarded=2, invalid=1)
    else:
        client.track("")
        result = asyncio.run(client.aflush()) if way == "aflush" else getattr(client, way)()
        assert counts(result) == FlushResult(invalid=1)
    assert result.ok
    assert result.errors == ()


def test_an_invocation_without_events_has_a_good_result(make_client: MakeClient, transport: RecordingTransport) -> None:
    """It says that nothing was to be done, also where another client has had events."""
    client = make_client()
    with client.invocation() as run:
        pass
    assert run.result is not None
    assert counts(run.result) == FlushResult()
    client.track("Counted")
    client.flush()
    with client.invocation() as run:
        pass
    assert run.result is not None
    assert counts(run.result) == FlushResult()
    assert len(transport.requests) == 1


def test_a_retry_is_a_request_and_its_failure_is_forgotten(
    make_client: MakeClient, transport: RecordingTransport
) -> None:
    """What was delivered at the second attempt is sent, and nothing else; both attempts are counted."""
    client = make_client(retry_count=1, flush_timeout=5.0)
    transport.respond_with(503)
    track(client, 2)
    result = client.flush()
    assert counts(result) == FlushResult(sent=2, requests=2)
    assert result.errors == ()
    assert result.ok


def test_retries_that_fail_are_one_cause(make_client: MakeClient, transport: RecordingTransport) -> None:
    """However often a batch was tried, its events are retained once, for one reason."""
    client = make_client(retry_count=1, flush_timeout=5.0)
    transport.respond_with(503, forever=True)
    track(client, 2)
    result = client.flush()
    assert counts(result) == FlushResult(retained=2, requests=2)
    assert causes(result) == [_Cause(503, 2, transient=True)]


def test_requests_are_counted_as_the_transport_counts_them(make_client: MakeClient) -> None:
    """A transport that needed two requests for one answer says so, and the result and the totals believe it."""

    class Twice:
        """Finds its connection dead, and sends again."""

        def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
            """Answer at the second request."""
            return Response(200, {}, b"", 2)

    client = make_client(transport=Twice())
    client.track("Counted")
    assert client.flush().requests == client.stats.requests == 2


def test_elapsed_is_what_the_caller_waited(make_client: MakeClient, transport: RecordingTransport) -> None:
    """It holds the server's time, and is no longer than the call."""
    client = make_client()
    transport.delay = 0.1
    client.track("Counted")
    began = time.monotonic()
    result = client.flush()
    assert 0.1 <= result.elapsed <= time.monotonic() - began


# -- several batches, several answers ----------------------------------------------------------------------------------


def _by_name(statuses: Mapping[str, int]) -> Callable[[ReceivedRequest], int | None]:
    """Answer each request by the first of its events that has a status."""

    def answer(request: ReceivedRequest) -> int | None:
        return next((statuses[event["event"]] for event in request.events if event["event"] in statuses), None)

    return answer


def _flush_apart(client: FormoAnalytics, **tracked: int) -> FlushResult:
    """Return the result of one flush of events that each take a request of their own, so many of each name.

    They are tracked where they might be discarded still, so that none leaves early.
    """
    with client.invocation(on_exception="discard") as run:
        for name, count in tracked.items():
            for _ in range(count):
                client.track(name, properties={"padding": "x" * 600})
    assert run.result is not None
    return run.result


def test_one_cause_is_told_once(make_client: MakeClient, transport: RecordingTransport) -> None:
    """Six batches refused for the same reason are one error, with the count of all."""
    client = make_client(retry_count=0, flush_at=100, max_queue_size=1_000)
    transport.respond_with(401, forever=True)
    result = _flush_apart(client, Refused=6)
    assert counts(result) == FlushResult(undelivered=6, requests=6)
    assert causes(result) == [_Cause(401, 6, transient=False)]


def test_bad_events_among_good_ones_are_one_cause(make_client: MakeClient, transport: RecordingTransport) -> None:
    """Each is found out by itself, and the result says how many there were; the others are sent."""
    client = make_client(flush_at=100)
    transport.respond_with(_by_name({"Bad": 400}), forever=True)
    for number in range(8):
        client.track("Bad" if number in (1, 6) else "Good")
    result = client.flush()
    assert (result.sent, result.undelivered, result.retained, result.ok) == (6, 2, 0, False)
    assert causes(result) == [_Cause(400, 2, transient=False)]
    assert result.requests == len(transport.requests)


def test_each_cause_is_told_apart(make_client: MakeClient, transport: RecordingTransport) -> None:
    """One flush may send some events, give up others and retain the rest: each is counted, with its own reason."""
    client = make_client(retry_count=0, flush_at=100, max_queue_size=1_000)
    transport.respond_with(_by_name({"Bad": 400, "Unlucky": 503, "Foreign": 404}), forever=True)
    result = _flush_apart(client, Good=2, Bad=3, Foreign=1, Unlucky=1)
    assert counts(result) == FlushResult(sent=2, undelivered=4, retained=1, requests=7)
    assert sorted(causes(result), key=str) == [
        _Cause(400, 3, transient=False),
        _Cause(404, 1, transient=False),
        _Cause(503, 1, transient=True),
    ]
    # The first that was noted is the one that is raised.
    with pytest.raises(DeliveryError) as caught:
        result.raise_for_errors()
    assert caught.value is result.errors[0]


def test_a_failing_server_retains_all_for_reasons_that_add_up(
    make_client: MakeClient, transport: RecordingTransport
) -> None:
    """Whether each batch was tried or spared, the errors of a flush explain each event that it retained, once."""
    client = make_client(retry_count=0, flush_at=100, max_queue_size=1_000)
    transport.respond_with(Answer(503, headers={"retry-after": "60"}), forever=True)
    result = _flush_apart(client, Unlucky=6)
    assert (result.sent, result.undelivered, result.retained) == (0, 0, 6)
    assert sum(error.count for error in result.errors) == 6
    assert all(error.transient for error in result.errors)
    assert len({(error.reason, error.status) for error in result.errors}) == len(result.errors)
    assert result.requests == len(transport.requests) == client.stats.requests


def test_the_clients_of_one_invocation_are_added_up(make_client: MakeClient, transport: RecordingTransport) -> None:
    """The result of an invocation is the sum over its clients, and holds the causes of each."""
    refusing, failing, other = (RecordingTransport() for _ in range(3))
    refusing.respond_with(403, forever=True)
    failing.respond_with(503)
    other.respond_with(Answer(200, json.dumps(_ROWS).encode()), forever=True)
    first, second, third, fourth = clients = [
        make_client(transport=each, retry_count=0, on_invalid="log") for each in (transport, refusing, failing, other)
    ]
    with first.invocation() as run:
        for client, count in zip(clients, (1, 2, 3, 4), strict=True):
            track(client, count)
        second.track("")
        with pytest.raises(HandlerError), first.invocation(on_exception="discard"):
            track(third, 5)
            fourth.track("")
            raise HandlerError
    assert run.result is not None
    assert counts(run.result) == FlushResult(5, 2, 3, 2, 5, 2, 4)
    assert sorted(causes(run.result), key=str) == [_Cause(403, 2, transient=False), _Cause(503, 3, transient=True)]
    elapsed = run.result.elapsed
    assert 0.0 < elapsed < 2.0


def test_a_flush_within_an_invocation_tells_its_own(make_client: MakeClient) -> None:
    """What was flushed by name within an invocation is in that result; the one at the end tells of the rest."""
    client = make_client()
    with client.invocation() as run:
        track(client, 3)
        with client.invocation():
            track(client, 1)
            first = client.flush()
            track(client, 1)
        track(client, 4)
    assert run.result is not None
    assert (counts(first), counts(run.result)) == (FlushResult(sent=4, requests=1), FlushResult(sent=5, requests=1))


def test_what_left_early_is_told_once(make_client: MakeClient) -> None:
    """Events that left early and a flush by name within an invocation: the results add up to the totals."""
    client = make_client(flush_at=20)
    with client.invocation() as run:
        track(client, 20)
        wait_until(lambda: client.stats.sent == 20)
        track(client, 2)
        first = client.flush()
        track(client, 3)
    assert run.result is not None
    assert first.sent + run.result.sent == client.stats.sent == 25
    assert first.requests + run.result.requests == client.stats.requests == 3


# -- out of time -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["flush", "aflush", "invocation"])
def test_out_of_time_is_told(make_client: MakeClient, transport: RecordingTransport, way: str) -> None:
    """Where the server does not answer in time, the events are retained, for one passing reason that speaks of time."""
    client = make_client(retry_count=0)
    transport.delay = 30.0
    with client.invocation(timeout=0.2) as run:
        if way == "invocation":
            track(client, 3)
    if way == "invocation":
        result = run.result
    else:
        track(client, 3)
        result = asyncio.run(client.aflush(0.2)) if way == "aflush" else client.flush(0.2)
    assert result is not None
    assert (result.sent, result.undelivered, result.retained, result.ok) == (0, 0, 3, False)
    assert sum(error.count for error in result.errors) == 3
    assert all(error.transient and error.status is None for error in result.errors)
    assert any("time" in error.reason.lower() for error in result.errors)
    assert 0.15 < result.elapsed < 0.2 + 0.5


def test_a_transport_that_never_returns_is_out_of_time(make_client: MakeClient) -> None:
    """A transport of the user's own that ignores its timeout holds a flush to its deadline, and its events are kept."""
    holding = HoldingTransport()
    client = make_client(transport=holding, retry_count=0)
    track(client, 3)
    result = client.flush(0.2)
    assert (result.sent, result.undelivered, result.retained, result.ok) == (0, 0, 3, False)
    assert [(error.count, error.transient) for error in result.errors] == [(3, True)]
    assert "time" in result.errors[0].reason or "answer" in result.errors[0].reason
    assert result.elapsed < 0.2 + 0.5
    holding.go.set()
    assert client.flush(5.0).retained == 0
    assert client.stats.sent == 3


def test_what_is_settled_late_is_told_by_nobody_twice(make_client: MakeClient, transport: RecordingTransport) -> None:
    """A batch that left early and outlives its invocation is retained there, then sent in the totals, in no result."""
    client = make_client(flush_at=2)
    transport.delay = 0.5
    with client.invocation(timeout=0.1) as run:
        track(client, 2)
        wait_until(lambda: len(transport.requests) == 1)
    assert run.result is not None
    assert (run.result.sent, run.result.retained, run.result.ok) == (0, 2, False)
    assert all(error.transient for error in run.result.errors)
    assert client.stats.sent == 0
    wait_until(lambda: client.stats.sent == 2)
    transport.delay = 0.0
    assert counts(client.flush()) == FlushResult()
    with client.invocation() as run:
        client.track("Next")
    assert run.result is not None
    assert (run.result.sent, run.result.retained, run.result.ok) == (1, 0, True)
    assert (client.stats.sent, len(transport.requests)) == (3, 2)


def test_what_a_flush_takes_over_is_counted_once(make_client: MakeClient) -> None:
    """A flush by name sends anew what another has waited for in vain; the answer that comes afterwards is ignored."""
    holding = HoldingTransport()
    client = make_client(transport=holding, flush_at=2)
    with client.invocation(timeout=0.1) as run:
        track(client, 2)
        assert holding.begun.wait(5.0)
    assert run.result is not None
    assert run.result.retained == 2
    holding.begun.clear()
    results: list[FlushResult] = []
    flushing = threading.Thread(target=lambda: results.append(client.flush(5.0)))
    flushing.start()
    assert holding.begun.wait(5.0)  # it was sent a second time, while the first is still under way
    holding.go.set()
    flushing.join(10.0)
    (result,) = results
    assert (result.sent, result.retained, result.ok) == (2, 0, True)
    wait_until(lambda: len(holding.ids) == 2)
    assert sorted(holding.ids[0]) == sorted(holding.ids[1])
    assert client.flush().sent == 0
    stats = client.stats
    assert (stats.tracked, stats.sent, stats.retained, stats.buffered) == (2, 2, 0, 0)


# -- after a failure ---------------------------------------------------------------------------------------------------


def test_an_open_breaker_retains_at_once_and_says_so(make_client: MakeClient, transport: RecordingTransport) -> None:
    """After a failure the next invocation makes no request; its result tells all that is retained by now, and why."""
    client = make_client(retry_count=0)
    transport.respond_with(503, forever=True)
    with client.invocation():
        track(client, 2)
    with client.invocation() as run:
        track(client, 3)
    assert run.result is not None
    assert counts(run.result) == FlushResult(retained=5)
    ((status, count, transient),) = causes(run.result)
    assert (status, transient) == (None, True)
    assert count in (3, 5)
    assert "failure" in run.result.errors[0].reason
    assert not run.result.ok
    assert run.result.elapsed < 0.5
    assert len(transport.requests) == 1


def test_out_of_time_is_a_failure_too(make_client: MakeClient) -> None:
    """After a server that did not answer in time, the next invocation does not wait for it, and says so."""
    holding = HoldingTransport()
    client = make_client(transport=holding, retry_count=0)
    with client.invocation(timeout=0.2):
        client.track("Counted")
    with client.invocation(timeout=2.0) as run:
        client.track("Counted")
    assert run.result is not None
    assert (run.result.sent, run.result.requests, run.result.ok) == (0, 0, False)
    assert run.result.retained in (1, 2)  # the first event may be under way still
    assert all(error.transient for error in run.result.errors)
    assert run.result.elapsed < 0.5
    holding.go.set()
    assert client.flush(5.0).retained == 0
    assert client.stats.sent == 2


def test_an_invocation_without_events_is_well_while_others_are_retained(
    make_client: MakeClient, transport: RecordingTransport
) -> None:
    """It answers for nothing, so what is retained is not its failure."""
    client = make_client(retry_count=0)
    transport.respond_with(503, forever=True)
    track(client, 2)
    client.flush()
    with client.invocation() as run:
        pass
    assert run.result is not None
    assert counts(run.result) == FlushResult()
    assert run.result.ok


@pytest.mark.parametrize("well", [True, False])
def test_a_flush_by_name_tries_anyway(
    make_client: MakeClient,
    transport: RecordingTransport,
    well: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    """It sends what is retained with its own, and tells all of it as sent, or as retained for the new failure."""
    client = make_client(retry_count=0)
    transport.respond_with(500)
    with client.invocation():
        track(client, 2)
    transport.respond_with(200 if well else 503, forever=True)
    track(client, 3)
    result = client.flush()
    if well:
        assert (result.sent, result.retained, result.errors) == (5, 0, ())
    else:
        assert (result.sent, result.retained) == (0, 5)
        assert causes(result) == [_Cause(503, 5, transient=True)]
    assert result.ok is well
    assert result.requests == len(transport.requests) - 1


def test_after_a_good_answer_invocations_send_again(make_client: MakeClient, transport: RecordingTransport) -> None:
    """A flush by name that got through ends the time in which invocations only retain."""
    client = make_client(retry_count=0)
    transport.respond_with(500)
    with client.invocation():
        client.track("Kept")
    assert client.flush().sent == 1
    with client.invocation() as run:
        client.track("Sent")
    assert run.result is not None
    assert counts(run.result) == FlushResult(sent=1, requests=1)


def test_what_is_retained_leaves_with_the_next_invocation(
    make_client: MakeClient, transport: RecordingTransport
) -> None:
    """While nothing says that the server is ill, an invocation with events sends what was kept, and tells of it."""
    client = make_client()
    track(client, 2)
    client.flush(0)  # no time to try, which says nothing of the server
    assert client.stats.retained + client.stats.buffered == 2
    with client.invocation() as run:
        track(client, 1)
    assert run.result is not None
    assert counts(run.result) == FlushResult(sent=3, requests=len(transport.requests))


def test_results_are_what_the_totals_grew_by(make_client: MakeClient, transport: RecordingTransport) -> None:
    """Flush by flush, in every way to end: the counts of the results add up to the totals of the client."""
    client = make_client(retry_count=0, flush_at=100, on_invalid="log")
    results: list[FlushResult] = []
    for answer in (200, 503, 401, Answer(200, json.dumps(_ROWS).encode()), 500, 200, 413):
        transport.respond_with(answer)
        track(client, 2)
        client.track("")
        results.append(client.flush())
        with pytest.raises(HandlerError), client.invocation(on_exception="discard") as run:
            client.track("Dropped")
            raise HandlerError
        assert run.result is not None
        results.append(run.result)
    stats = client.stats
    for name in ("sent", "quarantined", "undelivered", "discarded", "invalid", "requests"):
        assert sum(getattr(result, name) for result in results) == getattr(stats, name), name
    assert stats.retained == results[-1].retained == 0
