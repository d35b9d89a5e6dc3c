"""Exceptions of the host around a flush, or raised into it: they pass, and say nothing of the server."""

from __future__ import annotations

import contextvars
import datetime as dt
import functools
import os
import signal
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import pytest

from formo_lambda import FormoAnalytics, ValidationError, formo_flush, request_context
from formo_lambda.delivery.queue import every_queue
from formo_lambda.invocation.scope import current_scope
from formo_lambda.testing import LocalCollector, RecordingTransport
from tests.promises.faults import behaviours
from tests.promises.faults.fault_server import FaultServer
from tests.promises.signals import SIGNAL, handled_by, raising, sent_after

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

FAULTS = [behaviours.resets_before_reading, behaviours.half_a_status_line, behaviours.garbage, behaviours.never_answers]


class TookTooLongError(Exception):
    """What a host's handler of a signal raises."""


class Killed(BaseException):
    """What ends a task of the host's from outside, as greenlets are ended."""


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server that can be told how to behave."""
    with FaultServer() as running:
        yield running


@pytest.fixture
def client(server: FaultServer) -> Iterator[FormoAnalytics]:
    """A client of the server, which has little time; what it could not send is sent once the server is well."""
    made = FormoAnalytics("test-key", api_host=server.url, handle_signals=False, flush_timeout=0.5)
    yield made
    server.lift()
    made.close(5.0)


def _raise_in_itself() -> None:
    error = KeyError("missing")
    raise error from error


def _raise_in_a_signal_handler() -> None:
    with handled_by(raising(TookTooLongError())):
        signal.raise_signal(SIGNAL)


def _raise_about_a_certificate() -> None:
    raise ssl.SSLCertVerificationError("the host's own")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("fail", [_raise_in_itself, _raise_in_a_signal_handler, _raise_about_a_certificate])
def test_a_failed_handler_keeps_its_exception(
    server: FaultServer, client: FormoAnalytics, fault: behaviours.Behaviour, fail: Callable[[], None]
) -> None:
    """Whatever it raised, our failure in the flush that follows is retried, told as what it is, and not raised."""
    server.switch(fault)

    @formo_flush
    def handler(event: object, context: object) -> None:
        client.track("Handler")
        fail()

    began = time.monotonic()
    with pytest.raises((KeyError, TookTooLongError, ssl.SSLCertVerificationError)):
        handler({}, None)
    assert time.monotonic() - began < 5.0
    assert client.stats.retained == 1
    try:
        fail()
    except Exception:  # noqa: BLE001 -- it is what the flush runs in that counts
        result = client.flush()
    assert (result.sent, result.retained) == (0, 1)
    assert not any("certificate" in str(error) for error in result.errors)


def _plain(number: int, frame: FrameType | None) -> None:
    raise TimeoutError


def _one_shot(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise TimeoutError


def _with_options(option: str, number: int, frame: FrameType | None) -> None:
    raise TimeoutError


def _of_any(*arguments: object) -> None:
    raise TimeoutError


class _Callable:
    def __call__(self, number: int, frame: FrameType | None) -> None:
        raise TimeoutError


@pytest.mark.parametrize("handler", [_plain, _one_shot, functools.partial(_with_options, "late"), _of_any, _Callable()])
def test_what_any_kind_of_signal_handler_raises_passes(
    server: FaultServer, client: FormoAnalytics, handler: Callable[[int, FrameType | None], None]
) -> None:
    """Also where it raises what the network raises, and is no handler any more when we look."""
    server.switch(behaviours.never_answers)
    client.track("Interrupted")
    with sent_after(0.15, handler), pytest.raises(TimeoutError):
        client.flush(5.0)
    assert client.stats.retained == 1


class _SlowMapping(Mapping[str, object]):
    """A mapping that is not done when the signal comes."""

    def __getitem__(self, name: str) -> object:
        raise KeyError(name)

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        signal.raise_signal(SIGNAL)
        return iter(())


class _SlowPath(os.PathLike[str]):
    def __fspath__(self) -> str:
        signal.raise_signal(SIGNAL)
        return "path"


class _SlowZone(dt.tzinfo):
    def utcoffset(self, _: dt.datetime | None) -> dt.timedelta:
        signal.raise_signal(SIGNAL)
        return dt.timedelta()

    def dst(self, _: dt.datetime | None) -> None:
        pass

    def tzname(self, _: dt.datetime | None) -> str:
        return "slow"


class _SlowAttributes:
    """An object whose every attribute takes too long."""

    def __getattr__(self, name: str) -> object:
        signal.raise_signal(SIGNAL)
        raise AttributeError(name)


class _SlowClass:
    """An object that takes too long to say what it is."""

    @property  # type: ignore[misc] # as proxies do
    def __class__(self) -> type:
        signal.raise_signal(SIGNAL)
        return object


class _SlowResponse:
    """A streamed response whose body takes too long to be found."""

    streaming_content = ()

    @property
    def file_to_stream(self) -> object:
        signal.raise_signal(SIGNAL)
        return None


def _handler_of_slow() -> _SlowResponse:
    return _SlowResponse()


def _slowly(*_: object) -> Any:
    signal.raise_signal(SIGNAL)


def _handled(**options: Any) -> None:
    formo_flush(**options)(lambda event, context: None)({}, None)


def _failing(on_exception: Callable[[BaseException], bool], client: FormoAnalytics) -> None:
    with client.invocation(on_exception=on_exception):
        client.track("Failing")
        raise ValueError


#: Where code of the user's runs within ours: each is interrupted there.
WITHIN: dict[str, Callable[[FormoAnalytics], object]] = {
    "value": lambda client: client.track("Slow", properties={"path": [_SlowPath()]}),
    "mapping": lambda client: client.track("Slow", properties={"inner": _SlowMapping()}),
    "properties": lambda client: client.track("Slow", properties=_SlowMapping()),
    "class": lambda client: client.track("Slow", properties=_SlowClass()),  # type: ignore[arg-type] # that is the point
    "context": lambda client: client.track("Slow", context=_SlowAttributes()),  # type: ignore[arg-type] # likewise
    "json_default": lambda client: client.track("Slow", properties={"object": object()}),
    "timestamp": lambda client: client.track("Slow", timestamp=dt.datetime(2026, 1, 1, tzinfo=_SlowZone())),
    "user's id": lambda client: client.track("Slow", anonymous_id=_SlowClass()),  # type: ignore[arg-type] # likewise
    "idempotency": lambda _: _handled(idempotency=_slowly),
    "on_exception": functools.partial(_failing, _slowly),
    "request_context": lambda _: request_context(_SlowAttributes()),
    "transport": lambda _: FormoAnalytics("test-key", transport=_SlowAttributes()),  # type: ignore[arg-type] # likewise
    "clients": lambda _: _handled(clients=_SlowMapping()),
    "result": lambda _: formo_flush(_handler_of_slow)(),
}


@pytest.mark.parametrize("error", [TookTooLongError(), KeyError("late"), KeyboardInterrupt(), Killed()], ids=repr)
@pytest.mark.parametrize("on_invalid", ["raise", "log"])
@pytest.mark.parametrize("place", WITHIN)
def test_what_is_raised_into_the_users_code_within_ours_passes(
    place: str, on_invalid: Literal["raise", "log"], error: BaseException
) -> None:
    """A time limit that ends while we convert a value, or ask a rule, is no invalid event: the host gets it."""
    transport = RecordingTransport()
    client = FormoAnalytics("test-key", transport=transport, json_default=_slowly, on_invalid=on_invalid)
    with handled_by(raising(error)), pytest.raises(type(error)) as raised:
        WITHIN[place](client)
    assert raised.value is error
    assert client.track("Next") != ""
    result = client.flush()
    assert (result.invalid, result.undelivered, result.discarded) == (0, 0, 0)
    assert client.stats.tracked == client.stats.sent == (2 if place == "on_exception" else 1)


class _Broken(os.PathLike[str]):
    def __fspath__(self) -> str:
        raise KeyError("broken")


def test_what_the_users_object_raises_is_told_as_its_fault(client: FormoAnalytics) -> None:
    """Also in code that cleans up after a time limit: that one is the host's business, and done."""
    try:
        _raise_in_a_signal_handler()
    except TookTooLongError:
        with pytest.raises(ValidationError) as raised:
            client.track("Broken", properties={"path": _Broken()})
    assert raised.value.field == "properties.path"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, Killed])
def test_a_rule_that_ends_the_thread_leaves_no_invocation_open(error: type[BaseException]) -> None:
    """What `on_exception` raises to end more than the call passes, and the events are sent with the next flush."""
    asked: list[BaseException] = []

    def rule(raised: BaseException) -> bool:
        asked.append(raised)
        raise error

    transport = RecordingTransport()
    client = FormoAnalytics("test-key", transport=transport)
    with pytest.raises(error):
        _failing(rule, client)
    assert current_scope() is None
    assert len(asked) == 1
    assert client.flush().sent == 1


def test_a_nested_invocation_that_outlives_the_outer_one_has_its_own_flush() -> None:
    """A thread in a copy of the context ends its block while the outer flush waits: neither waits for the other."""
    with LocalCollector(delay=0.15) as collector:
        client = FormoAnalytics("test-key", api_host=collector.url, handle_signals=False)
        client.track("Warm")
        client.flush()

        def work() -> None:
            with client.invocation():
                client.track("Nested")
                time.sleep(0.1)

        with client.invocation() as outer:
            client.track("Outer")
            nested = contextvars.copy_context()
            thread = threading.Thread(target=nested.run, args=[work])
            thread.start()
            time.sleep(0.05)
        thread.join()
    assert outer.result is not None
    assert (outer.result.sent, outer.result.ok) == (1, True)
    assert outer.result.elapsed < 1.0
    assert len(collector.events) == 3


def test_clients_may_be_made_while_the_queues_are_counted() -> None:
    """An exit that comes while other threads make clients finds those there are."""
    over = threading.Event()

    def make() -> None:
        while not over.is_set():
            FormoAnalytics("test-key", enabled=False, handle_signals=False)

    makers = [threading.Thread(target=make) for _ in range(2)]
    for maker in makers:
        maker.start()
    kept = FormoAnalytics("test-key", enabled=False, handle_signals=False)
    try:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            assert kept._queue in every_queue()
    finally:
        over.set()
        for maker in makers:
            maker.join()
