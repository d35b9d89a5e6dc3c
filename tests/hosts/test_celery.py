"""Celery workers, whose processes end without Python's exit callbacks: an undecorated task keeps its events."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda.testing import LocalCollector
from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("celery", reason="a tool of development")

APP = "tests.hosts.programs.celery_app"


@contextlib.contextmanager
def worker(folder: Path, url: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker; killed in the end, if it is still there.

    Args:
        folder: Where its messages are.
        url: Where its events go.
        options: More of its command line.
    """
    for name in ("messages", "control"):
        (folder / name).mkdir()
    command = ["-m", "celery", "-A", APP, "worker", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    process = subprocess.Popen([sys.executable, *command, *options], cwd=ROOT, env=environ(folder, url))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def environ(folder: Path, url: str) -> dict[str, str]:
    """Return the environment of a worker, and of who sends tasks to it."""
    settings = {"FORMO_WRITE_KEY": "test-key", "FORMO_EVENTS_BASE_URL": url, "PYTHONPATH": str(ROOT)}
    return {**os.environ, **settings, "BROKER_FOLDER": str(folder)}


def send(folder: Path, url: str, task: str, count: int) -> None:
    """Send so many tasks, in a process of its own."""
    code = f"from {APP} import app\nfor number in range({count}): app.send_task({task!r}, [number])"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ(folder, url), check=True, timeout=30.0)


def until_taken(folder: Path, seconds: float = 20.0) -> None:
    """Wait until no message is left, and a moment for the last task."""
    limit = time.monotonic() + seconds
    while any((folder / "messages").iterdir()):
        assert time.monotonic() < limit
        time.sleep(0.05)
    time.sleep(0.5)


def numbers(collector: LocalCollector) -> list[int]:
    """Return the numbers of all events that arrived, in order."""
    return sorted(int(event["properties"]["number"]) for event in collector.events)


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_a_warm_shutdown_loses_nothing(tmp_path: Path, pool: str) -> None:
    """At SIGTERM the worker lets its tasks end; what they tracked arrives, each event once."""
    with LocalCollector() as collector, worker(tmp_path, collector.url, "--pool", pool, "-c", "2") as process:
        send(tmp_path, collector.url, "bought", 7)
        until_taken(tmp_path)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20.0) == 0
        assert numbers(collector) == list(range(7))


def test_a_process_that_is_replaced_loses_nothing(tmp_path: Path) -> None:
    """Each process ends after two tasks: their events arrive then, long before they are old."""
    with LocalCollector() as collector:
        with worker(tmp_path, collector.url, "--pool", "prefork", "-c", "1", "--max-tasks-per-child", "2"):
            send(tmp_path, collector.url, "bought", 6)
            collector.wait_for(6, 20.0)
        assert numbers(collector) == list(range(6))


def test_a_decorated_task_delivers_at_once(tmp_path: Path) -> None:
    """It is an invocation like any other."""
    with LocalCollector() as collector:
        with worker(tmp_path, collector.url, "--pool", "prefork", "-c", "2"):
            send(tmp_path, collector.url, "sold", 5)
            collector.wait_for(5, 20.0)
        assert numbers(collector) == list(range(5))


def test_a_soft_time_limit_reaches_the_task(tmp_path: Path) -> None:
    """Celery raises it into whatever runs, such as the conversion of a value: the task catches it as without us."""
    with LocalCollector() as collector:
        with worker(tmp_path, collector.url, "--pool", "prefork", "-c", "2"):
            send(tmp_path, collector.url, "tried", 2)
            collector.wait_for(2, 20.0)
        assert numbers(collector) == [0, 1]
        assert {event["event"] for event in collector.events} == {"Timed Out"}
