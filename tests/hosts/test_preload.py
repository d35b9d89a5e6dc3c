"""A pre-forking server that loads the application before it forks, or in each worker."""

from __future__ import annotations

import collections
import concurrent.futures
import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from formo_lambda.testing import LocalCollector
from tests.package.project import ROOT

pytest.importorskip("gunicorn", reason="gunicorn runs on Unix only, and is a tool of development")

#: Seconds that Formo takes for each answer.
DELAY = 0.3


def ask(port: int) -> bytes:
    """Make one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    said = connection.getresponse().read()
    connection.close()
    return said


@pytest.mark.parametrize("preload", [True, False], ids=["preloaded", "loaded by each worker"])
@pytest.mark.parametrize("worker_class", ["sync", "gevent"])
def test_gunicorn(worker_class: str, preload: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    """Workers deliver what their requests track, and at their end the rest; what was tracked at loading leaves once."""
    # Those of gevent replace threads and sockets after a preload, and answer requests side by side.
    if worker_class == "gevent":
        pytest.importorskip("gevent", reason="a tool of development")
    with LocalCollector(delay=DELAY) as collector:
        settings = {"FORMO_WRITE_KEY": "test-key", "FORMO_EVENTS_BASE_URL": collector.url, "PYTHONPATH": str(ROOT)}
        command = f"gunicorn --config python:tests.hosts.programs.gunicorn_settings --worker-class {worker_class}"
        command += f" --workers 2 --bind 127.0.0.1:0 {'--preload' if preload else ''}"
        server = subprocess.Popen(
            [sys.executable, "-m", *command.split(), "tests.hosts.programs.preloaded:application"],
            cwd=ROOT,
            env={**os.environ, **settings},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert server.stderr is not None
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.extend(server.stderr or []))
        try:
            while said.count("initialised\n") < 2:
                said.append(server.stderr.readline())
                assert said[-1], "".join(said)
            found = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", "".join(said))
            assert found is not None
            reader.start()  # so that the server never waits for somebody to read
            began = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(20) as pool:
                assert list(pool.map(ask, [int(found[1])] * 20)) == [b"True"] * 20
            if worker_class == "gevent":
                # One after another, two workers would take ten times as long as an answer of Formo's.
                assert time.monotonic() - began < 10 * DELAY
            assert sum(event["event"] == "Requested" for event in collector.events) == 20
            server.send_signal(signal.SIGTERM)
            assert server.wait(15) == 0, "".join(said)
        finally:
            server.kill()
            server.wait()
            if reader.ident is not None:
                reader.join(5)
            server.stderr.close()
        assert collections.Counter(event["event"] for event in collector.events) == {
            "Loaded": 1 if preload else 2,
            "Requested": 20,
            "Left Over": 20,
        }
        loaded = {event["properties"]["process"] for event in collector.events if event["event"] == "Loaded"}
        workers = {event["properties"]["process"] for event in collector.events if event["event"] == "Requested"}
        assert loaded == {server.pid} if preload else workers <= loaded
        assert server.pid not in workers
        assert "Traceback" not in "".join(said)
