"""Threads that track, flush and nest scopes as fast as they can, against a server that fails at random."""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from tests.promises.faulty_transport import BAD, MODES, Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from formo_lambda import FlushResult, FormoAnalytics

_THREADS = 8
_DEEPEST = 3


class HandlerError(Exception):
    """What a block of this module is left by."""


@contextmanager
def switching_often() -> Iterator[None]:
    """Have the interpreter change threads about as often as it can."""
    before = sys.getswitchinterval()
    # Where coverage is measured, each new thread installs a trace function. Up to Python 3.11 it dies if another thread
    # is about to do so, too. The other versions run without coverage.
    sys.setswitchinterval(1e-6 if sys.gettrace() is None else 1e-3)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def two_others_open(client: FormoAnalytics) -> Iterator[None]:
    """Hold two invocations open elsewhere: what runs in no scope then belongs to none, and not to the only open one."""
    contexts = [contextvars.copy_context() for _ in range(2)]
    runs = [client.invocation() for _ in contexts]
    for context, run in zip(contexts, runs, strict=True):
        context.run(run.__enter__)
    try:
        yield
    finally:
        for context, run in zip(contexts, runs, strict=True):
            context.run(run.__exit__, None, None, None)


class Reading(NamedTuple):
    """The totals of a client at one moment.

    Attributes:
        least: Events whose `track` had returned before.
        tracked: How many the totals say were tracked.
        parts: The sum of the places where events are, by the totals.
        sent: How many of them were sent.
        undelivered: How many of them were given up.
        smallest: The smallest of all totals.
        most: Events whose `track` had been called when the totals were known.
    """

    least: int
    tracked: int
    parts: int
    sent: int
    undelivered: int
    smallest: int
    most: int


class Told(NamedTuple):
    """What a flush by name said.

    Attributes:
        result: Its result.
        taken: How many events of its thread's open scopes it was responsible for.
        missing: How many of those the server had not accepted when it returned.
    """

    result: FlushResult
    taken: int
    missing: int


class Stress:
    """Eight threads for some seconds.

    Args:
        seed: Chooses what each thread does.
        nests: Whether scopes are nested, and left by exceptions; else each is left well and stands alone.
        flush_at: Events that make a buffer leave early.

    Attributes:
        account: The client, and what must have become of its events.
        readings: Its totals, read all the time.
        told: What each flush by name said.
    """

    def __init__(self, seed: int, *, nests: bool, flush_at: int = 5) -> None:
        self.account = Account(flush_at=flush_at, retry_count=0, flush_timeout=2.0, request_timeout=0.05)
        self.readings: list[Reading] = []
        self.told: list[Told] = []
        self._seed = seed
        self._workers = [_Worker(self, Random(f"{seed} {number}"), nests=nests) for number in range(_THREADS)]
        self._end = 0.0

    @property
    def goes_on(self) -> bool:
        """Whether there is time left."""
        return time.monotonic() < self._end

    def run(self, seconds: float) -> None:
        """Let all run, and check at the end that each event has had one fate."""
        self._end = time.monotonic() + seconds
        errors: list[BaseException] = []

        def guarded(work: Callable[[], None]) -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 -- raised below, by the test
                errors.append(error)

        works = [*(worker.work for worker in self._workers), self._read]
        threads = [threading.Thread(target=guarded, args=[work], daemon=True) for work in works]
        with switching_often(), two_others_open(self.account.client):
            for thread in threads:
                thread.start()
            faults = Random(self._seed)
            while self.goes_on:
                self.account.transport.mode = faults.choice([*MODES, "accepts", "accepts", "accepts"])
                time.sleep(0.005)
            self.account.transport.mode = "accepts"
            for thread in threads:
                thread.join(20.0)
                assert not thread.is_alive()
        if errors:
            raise errors[0]
        self.account.check_sum()
        self.account.settle()

    def _read(self) -> None:
        while self.goes_on:
            least = sum(worker.returned for worker in self._workers)
            stats = self.account.client.stats
            most = sum(worker.called for worker in self._workers)
            parts = stats.sent + stats.retained + stats.undelivered + stats.discarded + stats.buffered
            smallest = min(stats)
            self.readings.append(
                Reading(least, stats.tracked, parts, stats.sent, stats.undelivered, smallest, most),
            )
            time.sleep(0.0002)


class _Worker:
    """One of the threads: it tracks, opens blocks and flushes at random.

    Attributes:
        called: How often it has called `track`.
        returned: How often that has returned.
    """

    def __init__(self, stress: Stress, random: Random, *, nests: bool) -> None:
        self.called = 0
        self.returned = 0
        self._stress = stress
        self._random = random
        self._nests = nests
        self._deepest = _DEEPEST if nests else 1
        #: For each open block, the events in it that its rule may still drop.
        self._open: list[list[str]] = []

    def work(self) -> None:
        """Do one thing after the other while there is time."""
        while self._stress.goes_on:
            self._step()

    def _step(self) -> None:
        kind = self._random.random()
        if kind < 0.05:
            self._flush()
        elif kind < 0.25 and len(self._open) < self._deepest:
            self._block()
        else:
            self._track()

    def _track(self) -> None:
        self.called += 1
        made_id = self._stress.account.track(BAD if self._random.random() < 0.02 else "Good Event")
        self.returned += 1
        if self._open:
            self._open[-1].append(made_id)

    def _flush(self) -> None:
        account = self._stress.account
        mine = {made_id for ids in self._open for made_id in ids}
        result = account.client.flush()
        self._stress.told.append(Told(result, len(mine), len(mine.difference(account.transport.accepted))))
        for ids in self._open:
            ids.clear()

    def _block(self) -> None:
        """Open a block, do some things in it, and leave it, perhaps by an exception."""
        account = self._stress.account
        drops = self._nests and self._random.random() < 0.5
        fails = self._nests and self._random.random() < 0.4
        self._open.append([])
        try:
            with account.client.invocation(on_exception="discard" if drops else "send"):
                for _ in range(self._random.randrange(4)):
                    self._step()
                _raise_if(fails=fails)
        except HandlerError:
            pass
        ids = self._open.pop()
        if fails and drops:
            account.discarded.update(ids)
        elif self._open:
            self._open[-1] += ids


def _raise_if(*, fails: bool) -> None:
    if fails:
        raise HandlerError
