"""uWSGI, which forks without Python's hooks, and ends its first process without any Python."""

from __future__ import annotations

import collections
import http.client
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from formo_lambda.testing import LocalCollector
from tests.package.project import ROOT
from tests.promises.faults.waiting import wait_until

UWSGI = Path(sys.executable).with_name("uwsgi")

pytestmark = pytest.mark.skipif(not UWSGI.exists(), reason="uWSGI runs on Unix only, and is a tool of development")


def ask(port: int) -> None:
    """Make one request: its event is delivered, and it is answered soon."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"True"
    connection.close()
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "options",
    [["--master"], ["--master", "--enable-threads", "--threads", "2"], ["--master", "--lazy-apps"], []],
    ids=lambda options: " ".join(options) or "without a master",
)
def test_uwsgi(tmp_path: Path, options: list[str]) -> None:
    """What was tracked at loading is sent once, by who loaded; workers answer and deliver, also those forked later."""
    count, processes = 100, 2
    log = tmp_path / "log"
    with LocalCollector() as collector, log.open("w") as output:
        settings = {"FORMO_WRITE_KEY": "test-key", "FORMO_EVENTS_BASE_URL": collector.url, "PYTHONPATH": str(ROOT)}
        command = f"--http-socket 127.0.0.1:0 --processes {processes} --need-app --die-on-term"
        server = subprocess.Popen(
            [UWSGI, *command.split(), *options, "--module", "tests.hosts.programs.preloaded"],
            cwd=ROOT,
            env={**os.environ, **settings, "EVENTS_AT_LOADING": str(count)},
            stderr=output,
            start_new_session=True,  # so that all of it can be killed in the end
        )
        try:
            loads = processes if "--lazy-apps" in options else 1
            wait_until(lambda: log.read_text().count(" ready in ") == loads and "worker 2 " in log.read_text(), 20.0)
            found = re.search(r"127\.0\.0\.1:(\d+)", log.read_text())
            assert found is not None
            for _ in range(10):
                ask(int(found[1]))
            requests = 10
            if "--master" in options:
                # As without us, a worker ends at once on SIGTERM, and the master forks another. One that is still busy
                # with its request runs no exit callbacks.
                time.sleep(0.5)
                first, second = re.findall(r"spawned uWSGI worker \d+ \(pid: (\d+)", log.read_text())
                for pid in (first, second):
                    os.kill(int(pid), signal.SIGTERM)
                wait_until(lambda: log.read_text().count("Respawned uWSGI worker") == processes, 20.0)
                loads += processes if "--lazy-apps" in options else 0
                wait_until(lambda: log.read_text().count(" ready in ") == loads, 20.0)
                for _ in range(10):
                    ask(int(found[1]))
                requests += 10
                time.sleep(0.5)
                server.send_signal(signal.SIGTERM)
                assert server.wait(15) == 0
        finally:
            os.killpg(server.pid, signal.SIGKILL) if server.poll() is None else None
            server.wait()
        counts = collections.Counter(event["event"] for event in collector.events)
        assert counts["Loaded"] == loads * count
        assert len(collector.unique_events) == len(collector.events)
        assert counts["Requested"] == requests
        by = {event["properties"]["process"] for event in collector.events if event["event"] == "Loaded"}
        assert len(by) == loads
        if "--lazy-apps" not in options:
            assert by == {server.pid}
        if "--master" in options:
            assert counts["Left Over"] == requests
        assert "Traceback" not in log.read_text()
