"""ASGI applications in any form under the servers that serve them: as without us, and flushed before the last byte."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda.testing import LocalCollector
from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = {
    "uvicorn": "uvicorn --host 127.0.0.1 --port {port} {app}",
    "hypercorn": "hypercorn --bind 127.0.0.1:{port} {app}",
    "daphne": "daphne --bind 127.0.0.1 --port {port} {app}",
    "granian": "granian --interface asgi --host 127.0.0.1 --port {port} {app}",
}
FORMS = {
    "function": "function",
    "object": "an_object",
    "falcon": "framework",
    "litestar": "framework",
    "django": "framework",
}


def free_port() -> int:
    """Return a port that nobody listens to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def serving(server: str, form: str, url: str) -> Iterator[int]:
    """Run a server with an application of some form; yield its port."""
    port = free_port()
    app = f"tests.hosts.programs.asgi_forms:{FORMS[form]}"
    settings = {"FORMO_WRITE_KEY": "test-key", "FORMO_EVENTS_BASE_URL": url, "FORM": form, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", *SERVERS[server].format(port=port, app=app).split()],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def get(port: int) -> tuple[int, bytes, float]:
    """Ask until the server is up; return status, body, and the moment of the last byte."""
    limit = time.monotonic() + 30.0
    while True:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            try:
                connection.request("GET", "/")
                response = connection.getresponse()
            except ConnectionError:
                assert time.monotonic() < limit, "the server never came up"
                time.sleep(0.05)
                continue
            return response.status, response.read(), time.monotonic()


@pytest.mark.parametrize("server", SERVERS)
def test_an_application_of_any_form_is_served(server: str) -> None:
    """Function, object and the applications of frameworks answer; their events are there by the last byte."""
    pytest.importorskip(server, reason="a tool of development")
    with LocalCollector(delay=0.1) as collector, contextlib.ExitStack() as running:
        ports = {
            form: running.enter_context(serving(server, form, collector.url))
            for form in FORMS
            if FORMS[form] != "framework" or importlib.util.find_spec(form) is not None
        }
        for form, port in ports.items():
            for _ in range(2):
                collector.clear()
                status, body, last_byte = get(port)
                assert (form, status, body) == (form, 200, form.encode())
                (event,) = collector.events
                assert event["properties"] == {"form": form}
                assert collector.arrived_at(event["message_id"]) + collector.delay <= last_byte
        assert collector.problems == []
