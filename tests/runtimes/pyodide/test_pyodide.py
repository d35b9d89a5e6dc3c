"""The package in Pyodide: CPython in a browser or in Node, without threads and sockets."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.package.project import ROOT

HERE = Path(__file__).parent
HOME = ROOT / ".venvs" / "pyodide"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or shutil.which("npm") is None, reason="Pyodide runs in Node, and is installed by npm"
)


@functools.cache  # it takes some seconds to start
def report() -> dict[str, Any]:
    """Return what the program beside this file has printed."""
    assert (HOME / ".ready").exists(), "run `make runtimes` first"
    run = subprocess.run(
        ["node", HERE / "run.mjs", HOME, ROOT, HERE / "program.py"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout.splitlines()[-1])  # type: ignore[no-any-return]  # the program prints an object


def test_there_are_no_threads() -> None:
    """It is a host as it is meant here: one that starts no threads."""
    told = report()
    assert (told["platform"], told["start refused"]) == ("emscripten", True)


def test_a_recording_transport() -> None:
    """A handler, nested scopes, a flush and a close deliver to a transport that needs no sockets."""
    nothing = {"sent": 0, "left": 0, "requests": 0, "reasons": []}
    assert report()["recorded"] == {
        "value": "done",
        "by handler": 46,
        "flushed": {**nothing, "sent": 1, "requests": 1},
        "closed": nothing,
        "arrived": 47,
        "problems": [],
    }


def test_an_event_loop() -> None:
    """An async handler and `aflush` deliver on the loop that Pyodide brings."""
    assert report()["recorded async"] == {
        "value": "done",
        "by handler": 1,
        "flushed": {"sent": 1, "left": 0, "requests": 1, "reasons": []},
    }


def test_the_default_transport_says_what_is_needed() -> None:
    """It says, once and without a retry, that there are no sockets and that a `transport` is needed."""
    told = report()["without transport"]
    assert (told["ok"], told["sent"], told["left"]) == (False, 0, 1)
    (reason,) = told["reasons"]
    assert "sockets" in reason
    assert "`transport`" in reason or "transport=" in reason
    assert told["requests"] <= 1
    assert told["seconds"] < 1.0
