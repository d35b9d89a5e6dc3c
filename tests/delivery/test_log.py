"""The log lines of deliveries, which no slow handler of the user's makes a flush wait for."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda.delivery.log import Log
from formo_lambda.delivery.workers import workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

request = contextvars.ContextVar("request", default="none")


class Handler(logging.Handler):
    """A user's handler, which takes as long as the test wants.

    Attributes:
        texts: What it was given.
        requests: The context variable of each line.
        counts: The counts of each line.
        go_on: Lets it go on.
        then: Is called with each line.
    """

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.requests: list[str] = []
        self.counts: list[object] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.then: Callable[[], object] = lambda: None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line."""
        assert self.go_on.wait(10.0)
        self.texts.append(record.getMessage())
        self.requests.append(request.get())
        self.counts.append(getattr(record, "formo", None))
        self.then()


@pytest.fixture
def handler() -> Iterator[Handler]:
    """The only handler of the package's logger."""
    logger, made = logging.getLogger("formo_lambda"), Handler()
    logger.addHandler(made)
    yield made
    made.go_on.set()
    logger.removeHandler(made)


def test_a_line_is_written_before_the_flush_goes_on(handler: Handler) -> None:
    """A platform freezes the process after that."""
    log = Log()
    log.write(logging.WARNING, "100 % lost", {"undelivered": 1})
    log.wait(5.0)
    assert (handler.texts, handler.counts) == (["100 % lost"], [{"undelivered": 1}])


def test_a_line_is_written_in_the_context_of_its_caller(handler: Handler) -> None:
    """Loggers tell by it whose request a line belongs to."""
    log = Log()
    token = request.set("seven")
    log.write(logging.WARNING, "told")
    request.reset(token)
    log.wait(5.0)
    assert handler.requests == ["seven"]


def test_nobody_waits_long_for_a_handler_that_hangs_and_but_once(handler: Handler) -> None:
    """The line is written when the handler goes on."""
    log = Log()
    handler.go_on.clear()
    log.write(logging.WARNING, "first")
    began = time.monotonic()
    log.wait(0.1)
    assert 0.05 < time.monotonic() - began < 2.0
    log.write(logging.WARNING, "second")
    began = time.monotonic()
    for _ in range(1_000):
        log.wait(5.0)
    assert time.monotonic() - began < 2.0
    handler.go_on.set()
    while not log.lines.idle():
        time.sleep(0.001)
    assert handler.texts == ["first", "second"]
    assert not log.lines.overdue


def test_lines_that_wait_are_bounded(handler: Handler) -> None:
    """A handler that hangs for good costs little memory."""
    log = Log()
    handler.go_on.clear()
    for number in range(1_000):
        log.write(logging.WARNING, str(number))
    handler.go_on.set()
    log.wait(5.0)
    assert 100 <= len(handler.texts) <= 102
    assert handler.texts[:3] == ["0", "1", "2"]


def test_what_a_handler_raises_ends_neither_the_worker_nor_the_caller(handler: Handler) -> None:
    """The next line is written."""
    log = Log()

    def fail() -> None:
        if len(handler.texts) == 1:
            raise ValueError("as expected")

    handler.then = fail
    log.write(logging.WARNING, "first")
    log.write(logging.WARNING, "second")
    log.wait(5.0)
    assert handler.texts == ["first", "second"]


def test_a_level_that_nobody_reads_starts_no_worker(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary flush costs no thread."""
    asked: list[object] = []
    monkeypatch.setattr(workers, "submit", lambda *_, **__: asked.append(True))
    Log().write(logging.DEBUG, "flush")
    assert (asked, handler.texts) == ([], [])


def test_without_workers_lines_are_written_here(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, there is no other way."""
    monkeypatch.setattr(workers, "submit", lambda *_, **__: False)
    log = Log()
    log.write(logging.WARNING, "told")
    assert handler.texts == ["told"]
