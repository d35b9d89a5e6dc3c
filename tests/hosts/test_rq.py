"""RQ workers, whose processes end without Python's exit callbacks: an undecorated job keeps its events."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from formo_lambda.testing import LocalCollector
from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

fakeredis = pytest.importorskip("fakeredis", reason="a tool of development")
redis = pytest.importorskip("redis", reason="a tool of development")
rq = pytest.importorskip("rq", reason="a tool of development")

JOBS = "tests.hosts.programs.rq_jobs"


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server that speaks Redis."""
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("worker", ["Worker", "SimpleWorker"])
def test_each_job_keeps_its_events(port: int, worker: str) -> None:
    """Each runs in a process of its own, which is gone right after it, or in the worker's."""
    with redis.Redis("127.0.0.1", port) as connection, LocalCollector() as collector:
        queue = rq.Queue("default", connection=connection)
        for number in range(5):
            queue.enqueue(f"{JOBS}.bought", number)
        settings = {"FORMO_WRITE_KEY": "test-key", "FORMO_EVENTS_BASE_URL": collector.url, "PYTHONPATH": str(ROOT)}
        subprocess.run(
            [sys.executable, "-m", "tests.hosts.programs.rq_worker", str(port), worker],
            cwd=ROOT,
            env={**os.environ, **settings},
            check=True,
            timeout=40.0,
        )
        assert sorted(event["properties"]["number"] for event in collector.events) == list(range(5))
