"""Hands undelivered events to the user's `on_undelivered`."""

from __future__ import annotations

import functools
import logging
import sys
import threading
import time
from itertools import starmap
from typing import TYPE_CHECKING, Any

from formo_lambda.constants import CALLBACK_BACKLOG
from formo_lambda.delivery import batch
from formo_lambda.delivery.calls import Calls
from formo_lambda.delivery.log import log
from formo_lambda.signals import raised_by_signal_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from formo_lambda.errors import DeliveryError

    OnUndelivered = Callable[[list[dict[str, Any]], Exception], object]

logger = logging.getLogger("formo_lambda")


class Callbacks(Calls):
    """The calls of one client's `on_undelivered` that are still to be made.

    Args:
        callback: The user's function; None where there is none, then nothing is kept for it.
        lock: Guards the calls that wait.
    """

    def __init__(self, callback: OnUndelivered | None, lock: threading.RLock) -> None:
        super().__init__(lock, CALLBACK_BACKLOG)
        self._callback = callback
        self._skipped = 0

    def handing_over(self, events: list[bytes], error: DeliveryError) -> Iterable[object]:
        """Return an iterator of C, see `apply`, that takes events which nobody will send; the lock is held.

        What there is no room for is only logged.
        """
        if self._callback is None:
            return ()
        size = sum(map(len, events))
        if not self.has_room(size):
            return starmap(setattr, [(self, "_skipped", self._skipped + len(events))])
        return self.adding(functools.partial(self._call, events, error), size)

    def start(self) -> None:
        """See to it that what waits is called; no lock is held."""
        with self._lock:
            skipped, self._skipped = self._skipped, 0
        if skipped:
            log.write(logging.ERROR, f"{skipped} undelivered events were not handed to on_undelivered: it is too slow")
        super().start()

    def _call(self, events: list[bytes], error: DeliveryError) -> None:
        """Make one call; what it raises is logged, because nobody else would see it."""
        handled = sys.exc_info()[1]
        try:
            self._callback(batch.as_dicts(events, time.time()), error)  # type: ignore[misc] # not None here
        except BaseException as raised:
            interrupted = isinstance(raised, KeyboardInterrupt)
            if interrupted and threading.current_thread() is threading.main_thread():
                raise  # the user's own, while no worker could be started
            if not isinstance(raised, (Exception, SystemExit, KeyboardInterrupt)):
                raise
            if raised_by_signal_handler(raised, handled):
                raise  # where no worker could be started, too
            logger.exception("on_undelivered raised; %d events were given up", len(events))
