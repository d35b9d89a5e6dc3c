"""The result of the outermost invocation tells of all that was tracked within it, however deep, and of each once."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import FlushResult
from formo_lambda.testing import Answer
from tests.promises.faults.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from formo_lambda import FormoAnalytics
    from formo_lambda.testing import RecordingTransport
    from tests.client.recorded import MakeClient


class HandlerError(Exception):
    """What the blocks here are left by."""


@contextlib.contextmanager
def failing() -> Iterator[None]:
    """Let the block fail, and go on."""
    with contextlib.suppress(HandlerError):
        yield


def counts(result: FlushResult | None) -> FlushResult:
    """Return the counts of a result that must be there, without its time and its errors."""
    assert result is not None
    return result._replace(elapsed=0.0, errors=())


def track(client: FormoAnalytics, count: int, name: str = "Nested") -> None:
    """Track so many events."""
    for _ in range(count):
        client.track(name)


@contextlib.contextmanager
def nested(client: FormoAnalytics, levels: int, **options: Any) -> Iterator[None]:
    """Open so many scopes within each other."""
    with contextlib.ExitStack() as stack:
        for _ in range(levels):
            stack.enter_context(client.invocation(**options))
        yield


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("rest", [0, 1])
def test_what_nested_scopes_sent_early_is_in_the_result(
    client: FormoAnalytics, transport: RecordingTransport, levels: int, rest: int
) -> None:
    """Twenty events that left while a nested scope was open are counted when the outermost ends."""
    with client.invocation() as run, nested(client, levels):
        track(client, 20)
        wait_until(lambda: client.stats.sent == 20)
        track(client, rest)
    assert counts(run.result) == FlushResult(sent=20 + rest, requests=1 + rest)
    assert len(transport.events) == 20 + rest


def test_what_is_sent_early_after_the_nested_scope_has_ended_is_in_the_result(client: FormoAnalytics) -> None:
    """Its events join the outer scope, fill that one up and leave from there: counted once."""
    with client.invocation() as run:
        with client.invocation():
            track(client, 19)
        track(client, 1)
        wait_until(lambda: client.stats.sent == 20)
    assert counts(run.result) == FlushResult(sent=20, requests=1)


def test_each_of_many_scopes_that_sent_early_is_counted(client: FormoAnalytics) -> None:
    """Scopes one after the other and within each other: the result is the sum, and no scope is counted twice."""
    with client.invocation() as run:
        for number in range(3):
            with client.invocation():
                track(client, 20)
                wait_until(lambda: client.stats.sent == 40 * number + 20)  # noqa: B023 -- awaited at once
                with client.invocation():
                    track(client, 20)
                    wait_until(lambda: client.stats.sent == 40 * number + 40)  # noqa: B023 -- likewise
    assert counts(run.result) == FlushResult(sent=120, requests=6)


def test_a_nested_scope_that_failed_is_counted_like_others(client: FormoAnalytics) -> None:
    """Where the events of what fails are sent, what left early from it is counted, too."""
    with client.invocation() as run, failing(), client.invocation(), client.invocation():
        track(client, 20)
        wait_until(lambda: client.stats.sent == 20)
        track(client, 1)
        raise HandlerError
    assert counts(run.result) == FlushResult(sent=21, requests=2)


def test_nested_scopes_of_tasks_are_counted(client: FormoAnalytics) -> None:
    """Scopes side by side on one loop all belong to the invocation around them."""

    async def work() -> None:
        async with client.invocation():
            for _ in range(20):
                client.track("Nested")
                await asyncio.sleep(0)

    async def main() -> FlushResult | None:
        async with client.invocation() as run:
            await asyncio.gather(*(work() for _ in range(3)))
        return run.result

    assert counts(asyncio.run(main())).sent == 60


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("rest", [0, 1])
def test_what_was_refused_early_is_in_the_result(
    client: FormoAnalytics, transport: RecordingTransport, levels: int, rest: int
) -> None:
    """Events of a nested scope that the server refused before it ended are undelivered in the result, with a cause."""
    transport.respond_with(401)
    with client.invocation() as run:
        with nested(client, levels):
            track(client, 20)
            wait_until(lambda: client.stats.undelivered == 20)
        track(client, rest)
    assert counts(run.result) == FlushResult(sent=rest, undelivered=20, requests=1 + rest)
    assert run.result is not None
    assert [(error.status, error.count, error.transient) for error in run.result.errors] == [(401, 20, False)]
    assert not run.result.ok


@pytest.mark.parametrize("levels", [1, 2])
def test_what_failed_early_is_in_the_result(
    make_client: MakeClient, transport: RecordingTransport, levels: int
) -> None:
    """Events of a nested scope that are retained before it ends are told as retained, with what is tracked later."""
    client = make_client(retry_count=0)
    transport.respond_with(503, forever=True)
    with client.invocation() as run:
        with nested(client, levels):
            track(client, 20)
            wait_until(lambda: client.stats.retained == 20)
        track(client, 1)
    assert counts(run.result) == FlushResult(retained=21, requests=1)
    assert run.result is not None
    assert 503 in [error.status for error in run.result.errors]
    assert all(error.transient for error in run.result.errors)


@pytest.mark.parametrize("levels", [1, 2])
def test_what_was_set_aside_early_is_in_the_result(
    client: FormoAnalytics, transport: RecordingTransport, levels: int
) -> None:
    """Rows that the server set aside of what a nested scope sent early make the result not well."""
    transport.respond_with(Answer(200, b'{"successful_rows": 15, "quarantined_rows": 5}'))
    with client.invocation() as run, nested(client, levels):
        track(client, 20)
        wait_until(lambda: client.stats.sent == 20)
    assert counts(run.result) == FlushResult(sent=20, quarantined=5, requests=1)


def test_each_fate_of_early_events_is_told_at_once(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Of three nested scopes one was sent early, one refused, one set aside: the result holds all of it."""
    transport.respond_with(200, 401, Answer(200, b'{"quarantined_rows": 3}'))
    with client.invocation() as run:
        for number in range(1, 4):
            with client.invocation(), client.invocation():
                track(client, 20)
                wait_until(lambda: client.stats.requests == number)  # noqa: B023 -- awaited at once
        track(client, 2)
    assert counts(run.result) == FlushResult(sent=42, quarantined=3, undelivered=20, requests=4)


def test_what_is_under_way_when_the_outermost_ends_is_counted_once(
    client: FormoAnalytics, transport: RecordingTransport
) -> None:
    """Batches that left early from scopes of two levels are waited for, and each is in the result once."""
    transport.delay = 0.15
    with client.invocation() as run:
        with client.invocation():
            track(client, 20)
            with client.invocation():
                track(client, 20)
        track(client, 1)
    assert counts(run.result)[:4] == (41, 0, 0, 0)
    assert len(transport.events) == len(transport.unique_events) == 41


def test_the_clients_of_nested_scopes_are_added_up(make_client: MakeClient, transport: RecordingTransport) -> None:
    """What several clients sent early from nested scopes is in the one result."""
    first, second = make_client(), make_client()
    with first.invocation() as run, first.invocation():
        track(first, 20)
        with second.invocation():
            track(second, 20)
            wait_until(lambda: first.stats.sent == second.stats.sent == 20)
    assert counts(run.result) == FlushResult(sent=40, requests=2)


def test_only_the_outermost_has_a_result(client: FormoAnalytics) -> None:
    """A nested scope does not flush, so it has nothing to tell; an invocation after it begins to count anew."""
    with client.invocation() as outer, client.invocation() as middle, client.invocation() as inner:
        track(client, 20)
        wait_until(lambda: client.stats.sent == 20)
    assert (middle.result, inner.result) == (None, None)
    assert counts(outer.result).sent == 20
    with client.invocation() as run:
        track(client, 1)
    assert counts(run.result) == FlushResult(sent=1, requests=1)


def test_discarded_and_invalid_events_are_counted_once(make_client: MakeClient) -> None:
    """Those of nested scopes add up, however the scopes around them end, beside what is sent."""
    client = make_client(on_invalid="log")
    with client.invocation() as run:
        client.track("")
        track(client, 1)
        with failing(), client.invocation(on_exception="discard"):
            track(client, 2)
            client.track("")
            with failing(), client.invocation(on_exception=lambda error: False):
                track(client, 4)
                client.track("")
                raise HandlerError
            with client.invocation():
                track(client, 8)
                client.track("")
            raise HandlerError
        with client.invocation(), failing(), client.invocation(on_exception="discard"):
            track(client, 16)
            client.track("")
            raise HandlerError
        with failing(), client.invocation():
            track(client, 32)
            client.track("")
            raise HandlerError
    assert run.result is not None
    assert (run.result.sent, run.result.discarded, run.result.invalid, run.result.ok) == (33, 30, 6, True)
    stats = client.stats
    assert (stats.tracked, stats.sent, stats.discarded, stats.invalid) == (63, 33, 30, 6)
    # And in no later result.
    with client.invocation() as run:
        pass
    assert counts(run.result) == counts(client.flush()) == FlushResult()


def test_a_flush_within_takes_the_counts_so_far(make_client: MakeClient) -> None:
    """What a flush by name within nested scopes has told is not told again at the end."""
    client = make_client(on_invalid="log")
    with client.invocation() as run:
        with failing(), client.invocation(on_exception="discard"):
            track(client, 2)
            client.track("")
            raise HandlerError
        with client.invocation():
            client.track("")
            first = client.flush()
            client.track("")
            with failing(), client.invocation(on_exception="discard"):
                track(client, 1)
                raise HandlerError
    assert counts(first) == FlushResult(discarded=2, invalid=2)
    assert counts(run.result) == FlushResult(discarded=1, invalid=1)


@pytest.mark.parametrize("levels", [1, 2])
def test_a_discarded_whole_tells_of_its_parts(make_client: MakeClient, levels: int) -> None:
    """Where the outermost is discarded, what joined it from nested scopes is discarded with it, and counted once."""
    client = make_client(on_invalid="log")
    run = client.invocation(on_exception="discard")
    with failing(), run:
        with nested(client, levels):
            track(client, 3)
            client.track("")
        with failing(), nested(client, levels, on_exception="discard"):
            track(client, 2)
            raise HandlerError
        raise HandlerError
    assert counts(run.result) == FlushResult(discarded=5, invalid=1)
    assert client.stats.discarded == 5
