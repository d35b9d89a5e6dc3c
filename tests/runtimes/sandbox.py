"""One Lambda execution environment: AWS's own runtime client as a process, frozen between invocations."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.runtimes.runtime_api import Invocation, RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

_ROOT = Path(__file__).resolve().parents[2]
# As on Lambda: a function that is not ready by then is given up.
_INIT_TIMEOUT = 10.0


class LambdaSandbox:
    """Runs `python -m awslambdaric <handler>` and invokes it.

    As on Lambda, the process is stopped as soon as it asks for the next invocation, continued when there is one, killed
    without warning when an invocation's time is over, and started anew after it ended.

    Args:
        handler: `module.function`, as in a function's configuration.
        directory: Where the module lies: the function's code.
        environment: The function's environment variables.
        python: The interpreter that has the runtime client; the running one if None.
    """

    def __init__(
        self,
        handler: str,
        *,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        python: Path | None = None,
    ) -> None:
        self._handler = handler
        self._directory = directory
        self._python = python or Path(sys.executable)
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
        self._api = RuntimeApi(freeze=lambda: self._signal(signal.SIGSTOP), thaw=lambda: self._signal(signal.SIGCONT))

    @property
    def log(self) -> str:
        """What the process printed so far."""
        return os.pread(self._log.fileno(), 1_000_000, 0).decode(errors="replace")

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._process is None else self._process.pid

    @property
    def init_error(self) -> Any:
        """The error document the runtime posted when it could not load the handler, or None."""
        return self._api.init_error

    def start(self) -> None:
        """Start the process and wait until it asks for its first invocation: the init phase.

        Raises:
            RuntimeError: It ended before that, or took too long.
        """
        process = subprocess.Popen(
            [self._python, "-m", "awslambdaric", self._handler],
            cwd=self._directory,
            env=self._function_environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._process = process
        threading.Thread(target=self._watch, args=(process,), name="sandbox-watch", daemon=True).start()
        with self._api.changed:
            self._api.changed.wait_for(lambda: self._api.idle or process.returncode is not None, _INIT_TIMEOUT)
            if self._api.idle:
                return
        status = process.poll()
        self._end()
        what = "is not ready in time" if status is None else f"ended with status {status}"
        raise RuntimeError(f"the runtime {what} before its first invocation:\n{self.log}")

    def invoke(self, event: Any = None, *, timeout: float = 10.0, request_id: str | None = None) -> Invocation:
        """Invoke the handler and wait until the process is frozen again, or gone.

        Args:
            event: What the handler gets; anything JSON can hold.
            timeout: The time the function may take, in seconds.
            request_id: The id of an asynchronous call that is repeated; a new one if None.
        """
        if self._process is None:
            self.start()
        process = self._process
        assert process is not None
        invocation = Invocation(request_id or str(uuid.uuid4()), event, timeout)
        self._api.offer(invocation)
        with self._api.changed:
            over = self._api.changed.wait_for(
                lambda: invocation.frozen is not None or process.returncode is not None, timeout
            )
        if invocation.frozen is None:
            invocation.timed_out = not over
            self._end()
            invocation.exit_status = process.returncode
        return invocation

    def keep_frozen(self, seconds: float) -> None:
        """Let time pass between two invocations."""
        time.sleep(seconds)

    def close(self) -> None:
        """Kill the process, as Lambda does with an environment it needs no longer."""
        self._end()
        self._api.close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._api.forget_runtime()

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        with self._api.changed:
            self._api.changed.notify_all()

    def _function_environment(self) -> dict[str, str]:
        # No proxies: the Runtime API and everything the tests send to are on this machine.
        inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        return {
            **inherited,
            "PYTHONPATH": os.pathsep.join([str(self._directory), str(_ROOT)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_LAMBDA_FUNCTION_NAME": "test",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/test",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/23/[$LATEST]0123456789abcdef",
            "AWS_REGION": "us-east-1",
            "LAMBDA_TASK_ROOT": str(self._directory),
            "_HANDLER": self._handler,
            **self._environment,
        }
