"""A pre-forking server that loads the application before it forks."""

from __future__ import annotations

import collections
import http.client
import os
import re
import signal
import subprocess
import sys
import threading

import pytest

from formo_lambda.testing import LocalCollector
from tests.package.project import ROOT

pytest.importorskip("gunicorn", reason="gunicorn runs on Unix only, and is a tool of development")


def test_gunicorn_preload() -> None:
    """Workers deliver what their requests track, and at their end the rest; what was tracked at loading leaves once."""
    with LocalCollector() as collector:
        settings = {"FORMO_WRITE_KEY": "test-key", "FORMO_EVENTS_BASE_URL": collector.url, "PYTHONPATH": str(ROOT)}
        module = "tests.hosts.programs.preloaded"
        command = f"gunicorn --config python:{module} --preload --workers 2 --bind 127.0.0.1:0 {module}:application"
        server = subprocess.Popen(
            [sys.executable, "-m", *command.split()],
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
            for _ in range(10):
                connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=10)
                connection.request("GET", "/")
                assert connection.getresponse().read() == b"True"
                connection.close()
            assert sum(event["event"] == "Requested" for event in collector.events) == 10
            server.send_signal(signal.SIGTERM)
            assert server.wait(15) == 0, "".join(said)
        finally:
            server.kill()
            server.wait()
            if reader.ident is not None:
                reader.join(5)
            server.stderr.close()
        assert collections.Counter(event["event"] for event in collector.events) == {
            "Loaded": 1,
            "Requested": 10,
            "Left Over": 10,
        }
        loaded = next(event for event in collector.events if event["event"] == "Loaded")
        workers = {event["properties"]["process"] for event in collector.events if event["event"] == "Requested"}
        assert loaded["properties"]["process"] == server.pid
        assert server.pid not in workers
        assert "Traceback" not in "".join(said)
