"""Python programs as real processes, timed from the moment they say that they are ready."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.package.project import ROOT

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence

PROGRAMS = Path(__file__).parent / "programs"
#: What an exit may take: two seconds for all clients together, and the interpreter's own part.
EXIT_SECONDS = 2.5


class Ended(NamedTuple):
    """How a process ended.

    Attributes:
        status: Its exit status; negative for the signal it died of.
        seconds: From being told to go on, or its signal, or else its first line of output, to its end.
        silent: From its last line of output to its end.
        first: The line that said it was ready.
        lines: What it wrote to standard output, the first line left out.
        errors: What it wrote to standard error.
    """

    status: int
    seconds: float
    silent: float
    first: str
    lines: list[str]
    errors: str


class Process:
    """One program of the folder `programs`, started; it must write a line when it is ready.

    Args:
        program: Its name.
        args: Its arguments.
        url: Where its clients send to.
        environ: More of its environment.
        within: What runs the interpreter, if something does.
    """

    def __init__(
        self,
        program: str,
        *args: str,
        url: str,
        environ: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> None:
        command = [*within, sys.executable, "-W", "ignore::DeprecationWarning", str(PROGRAMS / f"{program}.py"), *args]
        settings = {"FORMO_WRITE_KEY": "test-key", "FORMO_EVENTS_BASE_URL": url, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **settings, **(environ or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._ready = threading.Event()
        self._began = self._spoke = self._ended = 0.0
        self._lines: list[str] = []
        self._errors: list[str] = []
        self._watchers = [
            threading.Thread(target=watch) for watch in (self._read_lines, self._read_errors, self._note_end)
        ]
        for watcher in self._watchers:
            watcher.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def lines(self) -> list[str]:
        """What it has written to standard output so far, the first line left out."""
        return self._lines[1:]

    def wait_ready(self, seconds: float = 20.0) -> Process:
        """Wait for its first line."""
        assert self._ready.wait(seconds), f"it was never ready: {''.join(self._errors)}"
        return self

    def wait_idle(self) -> Process:
        """Wait until it is ready and its main thread sleeps: Python misses a signal that comes right before that."""
        self.wait_ready()
        time.sleep(0.2)
        return self

    def send(self, number: signal.Signals) -> Process:
        """Send a signal, once it is ready; the time counts from here."""
        self.wait_ready()
        self._began = time.monotonic()
        self._process.send_signal(number)
        return self

    def go(self) -> Process:
        """Tell it to go on, once it is ready; the time counts from here."""
        self.wait_ready()
        assert self._process.stdin is not None
        self._began = time.monotonic()
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self

    def ended(self, seconds: float = 20.0) -> Ended:
        """Wait for its end."""
        try:
            status = self._process.wait(seconds)
        finally:
            # Nothing of a test outlives it.
            self._process.kill()
            for watcher in self._watchers:
                watcher.join(5.0)
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()
        return Ended(
            status,
            self._ended - self._began,
            self._ended - self._spoke,
            "".join(self._lines[:1]),
            self.lines,
            "".join(self._errors),
        )

    def _note_end(self) -> None:
        self._process.wait()
        self._ended = time.monotonic()

    def _read_lines(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line.strip())
            self._spoke = time.monotonic()
            if not self._ready.is_set():
                self._began = self._spoke
                self._ready.set()

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._errors.append(line)


def run(program: str, *args: str, url: str, environ: Mapping[str, str] | None = None) -> Ended:
    """Run one program to its end."""
    return Process(program, *args, url=url, environ=environ).ended()


class Control:
    """A process with nothing to deliver that ends beside others: what the machine adds to an exit just now."""

    def __init__(self) -> None:
        self._process = Process("ways", "end", url="http://127.0.0.1:9", environ={"FORMO_DISABLED": "1"}).wait_ready()

    def go(self) -> Control:
        """Let it end, when the others do."""
        self._process.go()
        return self

    def limit(self) -> float:
        """Return the seconds that an exit with a dead server may take: those promised and those of the control."""
        return EXIT_SECONDS + self._process.ended().seconds
