"""The subjects' handlers as Lambda functions under AWS's own runtime client, and how long they take to answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.benchmarks.environments import HANDLERS, environment_for
from tests.runtimes.sandbox import LambdaSandbox

if TYPE_CHECKING:
    from tests.benchmarks.server import FastServer
    from tests.benchmarks.subjects import Subject


def function_of(subject: Subject, server: FastServer, scheme: str) -> LambdaSandbox:
    """Return the function of one subject, not started yet."""
    variables = environment_for(subject, server.url(scheme), server.ca_file)
    return LambdaSandbox(f"{subject.module}.handler", directory=HANDLERS, environment=variables)


def start(function: LambdaSandbox) -> float:
    """Start it and return how long its init phase took, in milliseconds."""
    started = time.perf_counter()
    function.start()
    return (time.perf_counter() - started) * 1e3


def answer_time(function: LambdaSandbox, count: int, work: float = 0.0) -> float:
    """Invoke it and return the milliseconds from the event handed out to the response posted.

    Raises:
        RuntimeError: The handler failed.
    """
    invocation = function.invoke({"count": count, "work": work}, timeout=60)
    if invocation.answered is None or invocation.handed_out is None or invocation.error is not None:
        raise RuntimeError(f"the handler failed: {invocation.error}\n{function.log[-2000:]}")
    return (invocation.answered - invocation.handed_out) * 1e3
