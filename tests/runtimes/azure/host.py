"""The host of a function app: starts the worker's process and invokes functions in it."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

_WORKER = Path(__file__).parent / "worker.py"
_TIMEOUT = 20.0


class Invocation(NamedTuple):
    """What the host learns of one invocation."""

    #: "Success" or "Failure".
    status: str
    #: When the worker had the result, as `time.monotonic()`.
    answered: float
    #: The longest time that the worker's event loop stood still so far, in seconds.
    longest_pause: float
    http_status: int | None = None
    #: What an HTTP function answers, read from JSON.
    body: Any = None
    error: str | None = None
    trace: str | None = None


class FunctionsHost:
    """Runs a function app.

    Args:
        python: The interpreter that has the worker library.
        directory: Where `function_app.py` lies.
        environment: The settings of the app.
    """

    def __init__(self, python: Path, directory: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self._python = python
        self._directory = directory
        self._environment = dict(environment or {})
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
        self._numbers = itertools.count()
        self._answers: dict[int, dict[str, Any]] = {}
        self._changed = threading.Condition()
        self._process: subprocess.Popen[str] | None = None

    @property
    def log(self) -> str:
        """What the worker and the functions printed so far."""
        return os.pread(self._log.fileno(), 1_000_000, 0).decode(errors="replace")

    def start(self) -> str | None:
        """Start the worker and have it load the app; return the error, if it could not."""
        inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self._process = subprocess.Popen(
            [self._python, _WORKER, self._directory],
            env={
                **inherited,
                "PYTHONPATH": os.pathsep.join([str(self._directory), str(ROOT)]),
                "FUNCTIONS_WORKER_RUNTIME": "python",
                "WEBSITE_INSTANCE_ID": "0123456789abcdef",
                **self._environment,
            },
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        if not first:
            raise RuntimeError(f"the worker does not start:\n{self.log}")
        threading.Thread(target=self._read, args=(self._process,), name="functions-host", daemon=True).start()
        error: str | None = json.loads(first)["error"]
        return error

    def invoke(self, function: str, data: Any, *, parameter: str = "req", retry: int = 0) -> Invocation:
        """Invoke a function and wait for its answer; may be called from several threads.

        Args:
            function: The name of the function.
            data: What it gets, as JSON.
            parameter: The name of its parameter; "req" is an HTTP request.
            retry: How often the same event has been tried before.
        """
        assert self._process is not None
        assert self._process.stdin is not None
        number = next(self._numbers)
        order = {"number": number, "function": function, "parameter": parameter, "data": data, "retry": retry}
        with self._changed:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            if not self._changed.wait_for(lambda: number in self._answers, _TIMEOUT):
                raise TimeoutError(f"{function} did not answer:\n{self.log}")
            answer = self._answers.pop(number)
        del answer["number"]
        if answer.get("body"):
            answer["body"] = json.loads(answer["body"])
        return Invocation(**answer)

    def close(self) -> None:
        """End the worker."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                pipe.close()
        self._log.close()

    def __enter__(self) -> Self:
        error = self.start()
        if error is not None:
            self.close()
            raise RuntimeError(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                answer = json.loads(line)
                with self._changed:
                    self._answers[answer["number"]] = answer
                    self._changed.notify_all()
        except ValueError:  # close() was faster
            pass
