"""Exceptions of the host around a flush, or raised into it: they pass, and say nothing of the server."""

from __future__ import annotations

import contextvars
import functools
import signal
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.delivery.queue import every_queue
from formo_lambda.testing import LocalCollector
from tests.promises.faults import behaviours
from tests.promises.faults.fault_server import FaultServer
from tests.promises.signals import SIGNAL, handled_by, raising, sent_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

FAULTS = [behaviours.resets_before_reading, behaviours.half_a_status_line, behaviours.garbage, behaviours.never_answers]


class TookTooLongError(Exception):
    """What a host's handler of a signal raises."""


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
