"""Programs of the folder `programs`, as processes of their own whose clients send to a server in this one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAMS = Path(__file__).parent / "programs"

#: What a client says of its deliveries where nobody has configured logging.
SAID = re.compile(r"^(Formo (cannot take|takes)|\d+ events? (lost|retained|quarantined)).*\n", re.MULTILINE)


def start(program: str, *args: object, url: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start one program; whoever calls ends it.

    Args:
        program: Its name.
        args: Its arguments.
        url: Where its clients send to.
        environ: More of its environment.
    """
    settings = {"FORMO_WRITE_KEY": "test-key", "FORMO_EVENTS_BASE_URL": url, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        # What a Python says of its own forks and threads, or gevent of a late patch, is not about us.
        [sys.executable, "-W", "ignore", str(PROGRAMS / f"{program}.py"), *map(str, args)],
        env={**os.environ, **settings, **(environ or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    program: str, *args: object, url: str, environ: Mapping[str, str] | None = None, seconds: float = 20.0
) -> list[Any]:
    """Run one program to its end, and return what it printed: one JSON value a line.

    Args:
        program: Its name.
        args: Its arguments.
        url: Where its clients send to.
        environ: More of its environment.
        seconds: What it may take; far more than it does.
    """
    return finish(start(program, *args, url=url, environ=environ), seconds)


def finish(process: subprocess.Popen[str], seconds: float = 20.0) -> list[Any]:
    """Let a program go on to its end, and return what it prints from now on: one JSON value a line.

    It must end well, and say nothing on standard error but of its deliveries.
    """
    hung = False
    try:
        printed, errors = process.communicate("go\n", seconds)
    except subprocess.TimeoutExpired:
        hung = True
        process.kill()
        printed, errors = process.communicate()
    assert not hung, f"it had not ended after {seconds:.0f} s; it printed {printed!r} and said {errors!r}"
    ended = f"{process.returncode}: it printed {printed!r} and said {errors}"
    assert (process.returncode, SAID.sub("", errors)) == (0, ""), ended
    return [json.loads(line) for line in printed.splitlines()]
