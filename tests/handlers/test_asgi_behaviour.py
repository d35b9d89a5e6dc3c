"""What the ASGI middleware leaves as it is: exceptions, cancellation, the loop, other requests."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import ConfigurationError, FormoAnalytics, formo_flush
from formo_lambda.asgi import FormoFlushMiddleware
from formo_lambda.testing import FakeLambdaContext
from tests.client.recorded import names
from tests.handlers.asgi_peer import Peer, body, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.testing import RecordingTransport
    from tests.client.recorded import MakeClient
    from tests.handlers.asgi_peer import Receive, Send


def answering(client: FormoAnalytics, name: str = "Answered") -> Any:
    """Return an application that tracks an event, answers, and tracks another."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        client.track(name)
        await send(start())
        await send(body(b"done"))
        client.track("After")

    return app


def test_middleware_is_an_application() -> None:
    """Servers see an instance whose call is a coroutine function of three parameters, and the application behind it."""

    async def app(scope: Any, receive: Receive, send: Send) -> None: ...

    middleware = FormoFlushMiddleware(app)

    assert inspect.iscoroutinefunction(middleware.__call__)
    assert list(inspect.signature(middleware).parameters) == ["scope", "receive", "send"]
    assert middleware.app is app


def test_an_exception_comes_out_after_its_events(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """The very exception leaves the application, without a context of ours, its events before it."""
    failure = LookupError("no such pool")

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        client.track("Failed")
        raise failure

    with pytest.raises(LookupError) as caught:
        Peer(transport).run(FormoFlushMiddleware(app))

    assert caught.value is failure
    assert failure.__context__ is None
    assert names(transport) == ["Failed"]


def test_events_of_a_failure_can_be_discarded(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """With on_exception="discard" an exception takes its events along, also those of a response that tells of it."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        client.track("Failed")
        await send(start(500))
        await send(body(b"Internal Server Error"))
        raise LookupError("no such pool")

    with pytest.raises(LookupError):
        Peer(transport).run(FormoFlushMiddleware(app, on_exception="discard"))

    assert transport.requests == []
    assert client.stats.discarded == 1


def test_a_failure_that_the_application_answers_is_sent(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A response with status 500 that the application returns from is a response like any other."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        client.track("Handled")
        await send(start(500))
        await send(body(b"Internal Server Error"))

    Peer(transport).run(FormoFlushMiddleware(app, on_exception="discard"))

    assert names(transport) == ["Handled"]


def test_a_cancellation_comes_out_after_the_events(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A request that is cancelled once is over when its events were acknowledged."""
    transport.delay = 0.15

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        client.track("Begun")
        await asyncio.sleep(30)

    async def main() -> float:
        task = asyncio.create_task(Peer(transport).call(FormoFlushMiddleware(app)))
        await asyncio.sleep(0.01)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    assert 0.15 <= asyncio.run(main()) < 1.0
    assert names(transport) == ["Begun"]
    assert client.stats.buffered == 0


def test_a_cancellation_during_a_flush_keeps_to_the_budget(
    make_client: MakeClient, transport: RecordingTransport
) -> None:
    """A timeout around the application takes effect when the flush's own time is over, and that is not begun anew."""
    client = make_client(flush_timeout=0.4)
    transport.delay = 30.0

    async def main() -> float:
        began = time.monotonic()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(Peer(transport).call(FormoFlushMiddleware(answering(client))), 0.2)
        return time.monotonic() - began

    assert asyncio.run(main()) < 0.55
    assert client.stats.tracked == 1


def test_the_loop_runs_on_while_a_flush_waits(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """A slow server holds the request that waits for it, and no other task."""
    transport.delay = 0.2

    async def main() -> int:
        task = asyncio.create_task(Peer(transport).call(FormoFlushMiddleware(answering(client))))
        beats = 0
        while not task.done():
            await asyncio.sleep(0.01)
            beats += 1
        await task
        return beats

    assert asyncio.run(main()) > 20


def test_all_flushes_of_a_request_share_one_budget(make_client: MakeClient, transport: RecordingTransport) -> None:
    """With a slow server, a request pays its flush timeout once, however many moments it has."""
    client = make_client(flush_timeout=0.6)
    transport.delay = 0.4  # slow, so that each flush alone would be in time

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await send(start(200, ("content-length", "2")))
        for data in (b"a", b"b", b""):
            client.track("Slow")
            await send(body(data, more=data != b""))
        client.track("After")

    began = time.monotonic()
    Peer(transport).run(FormoFlushMiddleware(app))

    assert 0.4 < time.monotonic() - began < 1.0
    assert client.stats.tracked == 4


def test_a_deadline_in_the_scope_is_kept(
    client: FormoAnalytics, transport: RecordingTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an adapter puts the Lambda context into the scope, the flush ends before its deadline."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "swaps")
    transport.delay = 30.0

    began = time.monotonic()
    Peer(transport, [], **{"aws.context": FakeLambdaContext(700)}).run(FormoFlushMiddleware(answering(client)))

    assert 0.3 < time.monotonic() - began < 0.7


def test_requests_in_one_loop_are_disjoint(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Requests that interleave each flush their own events only."""
    order: list[str] = []

    async def main() -> None:
        gate = asyncio.Event()

        async def slow(scope: Any, receive: Receive, send: Send) -> None:
            client.track("Slow")
            await gate.wait()
            order.extend(names(transport))
            await send(start())
            await send(body())

        waiting = asyncio.create_task(Peer(transport).call(FormoFlushMiddleware(slow)))
        await asyncio.sleep(0)
        await Peer(transport).call(FormoFlushMiddleware(answering(client, "Quick")))
        gate.set()
        await waiting

    asyncio.run(main())

    assert order == ["Quick", "After"]
    assert names(transport) == ["Quick", "After", "Slow"]


def test_child_tasks_and_threads_belong_to_their_request(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """What a request tracks in tasks and threads it waits for is sent before its response is complete."""

    async def child() -> None:
        client.track("In a Task")

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await asyncio.gather(child(), asyncio.to_thread(client.track, "In a Thread"))
        await send(start())
        await send(body())

    peer = Peer(transport)
    peer.run(FormoFlushMiddleware(app))

    assert peer.sent[-1] == ("http.response.body", 2)


def test_inside_another_invocation_the_outermost_flushes(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Under a decorated handler, and under itself, the middleware leaves the flush to the one around it."""

    @formo_flush
    def handler(event: Any, context: Any) -> int:
        peer = Peer(transport)
        peer.run(FormoFlushMiddleware(FormoFlushMiddleware(answering(client))))
        assert [count for _, count in peer.sent] == [0, 0]
        return len(transport.events)

    assert handler({}, None) == 0
    assert len(transport.requests) == 1
    assert names(transport) == ["Answered", "After"]


def test_invocation_is_over_after_the_request(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """What is tracked between two requests belongs to the client itself, and is sent with the next request."""
    app = FormoFlushMiddleware(answering(client))

    async def main() -> None:
        await Peer(transport).call(app)
        client.track("Between")
        assert client.stats.buffered == 1
        await Peer(transport).call(app)

    asyncio.run(main())

    assert sorted(names(transport)) == ["After", "After", "Answered", "Answered", "Between"]


def test_only_the_named_clients_are_flushed(make_client: MakeClient, transport: RecordingTransport) -> None:
    """With `clients`, another one's events are left to its own triggers."""
    mine, other = make_client(), make_client()

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        mine.track("Mine")
        other.track("Other")
        await send(start())
        await send(body())

    Peer(transport).run(FormoFlushMiddleware(app, clients=[mine]))

    assert names(transport) == ["Mine"]
    assert other.stats.buffered == 1


def test_a_repeated_request_has_the_same_ids(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """`idempotency` is asked with the scope alone, and its key makes the ids of the request's events."""
    app = FormoFlushMiddleware(answering(client), idempotency=lambda scope: str(scope["path"]))

    for path in ("/a", "/a", "/b"):
        Peer(transport, path=path).run(app)

    assert len(transport.events) == 6
    assert len(transport.unique_events) == 4


def test_wrong_options_are_refused_when_it_is_made(client: FormoAnalytics) -> None:
    """The options have the rules of the decorator's."""
    with pytest.raises(ConfigurationError, match="timeout"):
        FormoFlushMiddleware(answering(client), timeout=-1)


def test_idle_requests_start_no_thread(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """Requests that track nothing leave the process as it was."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body())

    before = set(threading.enumerate())
    for _ in range(10):
        Peer(transport).run(FormoFlushMiddleware(app))

    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("form", ["function", "method", "object", "plain function"])
def test_a_decorated_application_has_the_same_moments(
    client: FormoAnalytics, transport: RecordingTransport, form: str
) -> None:
    """`formo_flush` on a bare ASGI application of any form flushes as the middleware does."""
    plain = answering(client)

    class Application:
        async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
            await plain(scope, receive, send)

        @formo_flush
        async def method(self, scope: Any, receive: Receive, send: Send) -> None:
            await plain(scope, receive, send)

    def returning_a_coroutine(scope: Any, receive: Receive, send: Send) -> Any:
        return plain(scope, receive, send)

    forms: dict[str, Callable[[], Any]] = {
        "function": lambda: formo_flush(plain),
        "method": lambda: Application().method,
        "object": lambda: formo_flush(Application()),
        "plain function": lambda: formo_flush(returning_a_coroutine),
    }
    app = forms[form]()
    peer = Peer(transport)
    peer.run(app)

    assert peer.sent == [("http.response.start", 0), ("http.response.body", 1)]
    assert len(transport.events) == 2


def test_a_decorated_application_passes_the_lifespan_through(
    client: FormoAnalytics, transport: RecordingTransport
) -> None:
    """`formo_flush` on a bare ASGI application takes the life of the server for no invocation."""

    @formo_flush
    async def app(scope: Any, receive: Receive, send: Send) -> None:
        client.track("Started")

    Peer(transport, type="lifespan").run(app)

    assert transport.requests == []
    assert client.stats.buffered == 1
