"""What a user who has set up no logging sees, and what those who have are given."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda import FormoAnalytics
from formo_lambda.testing import LocalCollector
from tests.package.project import ROOT
from tests.promises.crowds import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator


ADDRESS = "0x9798d87366bdfc5d70b300abdffc4f9e95369b3d"


def script(code: str, url: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a user's script."""
    settings = {"FORMO_WRITE_KEY": "s3cr3t-key", "FORMO_EVENTS_BASE_URL": url, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **settings, **environ},
        capture_output=True,
        text=True,
        timeout=30.0,
        check=False,
    )


@pytest.fixture
def refusing() -> Iterator[LocalCollector]:
    """A server that knows no key."""
    with LocalCollector(write_key="another") as collector:
        yield collector


@pytest.mark.parametrize(
    "flush",
    ["analytics.flush()", "", "with analytics.invocation(): analytics.track('B')"],
    ids=["flush", "exit", "with"],
)
def test_a_wrong_key_in_a_script_is_one_line(refusing: LocalCollector, flush: str) -> None:
    """On standard error, with what to do about it."""
    code = f"from formo_lambda import FormoAnalytics\nanalytics = FormoAnalytics()\nanalytics.track('A')\n{flush}"
    ended = script(code, refusing.url)
    assert (ended.returncode, ended.stdout) == (0, "")
    (line,) = ended.stderr.splitlines()
    assert re.match(r"[12] events? lost: .*HTTP 401", line)
    assert "s3cr3t" not in line


@pytest.mark.parametrize("server", ["uvicorn", "gthread"])
def test_a_wrong_key_under_a_server_is_one_line(refusing: LocalCollector, server: str) -> None:
    """Servers configure their own loggers, and not ours."""
    pytest.importorskip("uvicorn" if server == "uvicorn" else "gunicorn", reason="a tool of development")
    web = WebServer(server, refusing.url)
    try:
        web.invoke(1, 1)
        lines = [line for line in web.log.splitlines() if "HTTP 401" in line]
    finally:
        web.close()
    assert len(lines) == 1, lines
    assert lines[0].startswith("10 events lost: ")


def test_an_outage_at_the_end_of_a_script_is_said() -> None:
    """Formo is down: what happened, and how many events are lost, at the same exit status."""
    code = "import sys\nfrom formo_lambda import FormoAnalytics\nFormoAnalytics().track('A')\nsys.exit(3)"
    ended = script(code, "http://127.0.0.1:9")
    assert ended.returncode == 3
    began, lost = ended.stderr.splitlines()
    assert began.startswith("Formo cannot take events (ConnectionRefusedError")
    assert lost.startswith("1 event lost: the process ended")


def test_debug_shows_events_and_requests_and_nothing_in_them() -> None:
    """Types, names, ids, requests; no property, no address, no key."""
    code = (
        "from formo_lambda import FormoAnalytics\nanalytics = FormoAnalytics()\n"
        f"print(analytics.track('Swap', address='{ADDRESS}', properties={{'pair': 'pr1vate'}}))\n"
        f"print(analytics.identify('{ADDRESS}', properties={{'email': 'pr1vate@example.com'}}))\n"
        "analytics.flush()"
    )
    with LocalCollector() as collector:
        ended = script(code, collector.url, FORMO_DEBUG="1")
        first, second = ended.stdout.split()
        lines = [line.partition("formo_lambda: ")[2] for line in ended.stderr.splitlines()]
        assert lines[0] == f"track 'Swap', message_id {first}"
        assert lines[1] == f"identify '', message_id {second}"
        assert re.fullmatch(rf"POST {collector.url}/v0/raw_events, \d+ bytes: HTTP 200 in \d\.\d+ s", lines[2])
        assert len(lines) == 3
        for secret in ("pr1vate", "s3cr3t", ADDRESS[2:12], ADDRESS[2:12].upper()):
            assert secret.lower() not in ended.stderr.lower()


def test_debug_shows_what_failed() -> None:
    """A server that is not there is a line for each attempt."""
    code = "from formo_lambda import FormoAnalytics\na = FormoAnalytics(retry_count=1)\na.track('A')\na.flush(5)"
    ended = script(code, "http://127.0.0.1:9", FORMO_DEBUG="1")
    assert len(re.findall(r"POST http://127\.0\.0\.1:9\S+ \d+ bytes: ConnectionRefusedError", ended.stderr)) >= 2


class Slow(logging.Handler):
    """A log handler that hangs until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Hang."""
        self.over.wait(20.0)
        self.records.append(record)


def test_a_log_handler_that_hangs_stalls_no_flush(refusing: LocalCollector) -> None:
    """Ten flushes that each have something to say take no longer than they would; the lines come later."""
    handler, logger = Slow(), logging.getLogger("formo_lambda")
    logger.addHandler(handler)
    client = FormoAnalytics("s3cr3t-key", api_host=refusing.url, handle_signals=False)
    try:
        began = time.monotonic()
        for _ in range(10):
            client.track("A")
            with client.invocation():
                client.track("B")
            client.flush(2.0)
        assert time.monotonic() - began < 5.0
        handler.over.set()
        limit = time.monotonic() + 5.0
        while _lost(handler) < 20 and time.monotonic() < limit:
            time.sleep(0.01)
        assert _lost(handler) == 20
    finally:
        handler.over.set()
        logger.removeHandler(handler)
        client.close()


def _lost(handler: Slow) -> int:
    counts = [getattr(record, "formo", {}) for record in handler.records]
    return sum(int(count.get("undelivered", 0)) for count in counts)


@pytest.mark.parametrize(
    ("end", "status"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), 15); time.sleep(60)", -15)], ids=["exit", "SIGTERM"]
)
def test_an_end_is_bounded_where_the_users_code_hangs(end: str, status: int) -> None:
    """A log handler and `on_undelivered` that never return: the process has its two seconds, and its own status."""
    code = (
        "import logging, os, sys, time\nfrom formo_lambda import FormoAnalytics\n"
        "class Hangs(logging.Handler):\n    def emit(self, record): time.sleep(60)\n"
        "logging.getLogger('formo_lambda').addHandler(Hangs())\n"
        f"FormoAnalytics(on_undelivered=lambda *_: time.sleep(60)).track('A')\n{end}"
    )
    began = time.monotonic()
    ended = script(code, "http://127.0.0.1:9")
    assert ended.returncode == status
    assert time.monotonic() - began < 6.0


def test_counts_are_there_for_json_loggers(refusing: LocalCollector, caplog: pytest.LogCaptureFixture) -> None:
    """Each record has them in an attribute that can be written as JSON."""
    caplog.set_level(logging.DEBUG, "formo_lambda")
    with FormoAnalytics("s3cr3t-key", api_host=refusing.url, handle_signals=False) as client:
        client.track("A")
        client.flush()
    counts = [json.loads(json.dumps(record.__dict__["formo"])) for record in caplog.records if hasattr(record, "formo")]
    assert {"undelivered": 1, "retained": 0, "status": 401}.items() <= counts[0].items()
    assert any(count.get("requests") == 1 and count.get("sent") == 0 for count in counts)
