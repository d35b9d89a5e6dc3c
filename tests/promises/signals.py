"""A signal of the host's, with a handler for as long as a test needs it."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SIGNAL = signal.SIGUSR1


@contextmanager
def handled_by(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Have a handler for the signal; the one before comes back."""
    before = signal.signal(SIGNAL, handler)
    try:
        yield
    finally:
        signal.signal(SIGNAL, before)


@contextmanager
def sent_after(seconds: float, handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Have the signal come to the main thread, and its handler be called there."""
    # Not an interval timer: the time limit of the test itself may use it.
    timer = threading.Timer(seconds, signal.pthread_kill, [threading.main_thread().ident, SIGNAL])
    with handled_by(handler):
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def raising(error: BaseException | type[BaseException]) -> Callable[[int, FrameType | None], None]:
    """Return a handler that raises an exception; of a class, a new one each time."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        raise error

    return on_signal
