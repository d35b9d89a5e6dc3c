"""The sandbox around AWS's runtime client, with handlers that know nothing of analytics."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from awslambdaric.lambda_context import LambdaContext

from formo_lambda.testing import FakeLambdaContext
from tests.runtimes.sandbox import LambdaSandbox

HANDLERS = Path(__file__).parent / "handlers"


def test_handler_gets_event_and_context() -> None:
    """The handler sees the event, the id of the invocation and the time it may take, and its value comes back."""
    with LambdaSandbox("plain.echo", directory=HANDLERS) as sandbox:
        invocation = sandbox.invoke({"pair": "ETH/USDC"}, timeout=7.0)

    assert invocation.response["event"] == {"pair": "ETH/USDC"}
    assert invocation.response["request_id"] == invocation.request_id
    assert 5_000 < invocation.response["remaining"] <= 7_000


def test_invocations_share_one_process() -> None:
    """Successive invocations run in the same process, in the order handed out, answered, frozen."""
    with LambdaSandbox("plain.echo", directory=HANDLERS) as sandbox:
        first, second = sandbox.invoke(1), sandbox.invoke(2)

    assert first.response["pid"] == second.response["pid"]
    times = [first.handed_out, first.answered, first.frozen, second.handed_out, second.answered, second.frozen]
    assert None not in times
    assert times == sorted(time for time in times if time is not None)


def test_process_is_stopped_between_invocations() -> None:
    """A background thread makes no progress from the request for the next invocation until that one is handed out."""
    with LambdaSandbox("plain.clock", directory=HANDLERS) as sandbox:
        first = sandbox.invoke()
        sandbox.keep_frozen(0.3)
        second = sandbox.invoke()

    assert first.frozen is not None
    assert second.handed_out is not None
    assert first.response
    assert second.response[-1] > second.handed_out
    # monotonic() is the same clock in both processes; a tick may fall between the request and the signal.
    between = [tick for tick in second.response if first.frozen + 0.05 < tick < second.handed_out]
    assert between == []


def test_exception_is_reported_and_the_process_lives_on() -> None:
    """A handler's exception is posted as an error, and the same process takes the next invocation."""
    with LambdaSandbox("plain.fail", directory=HANDLERS) as sandbox:
        first, pid = sandbox.invoke(), sandbox.pid
        second = sandbox.invoke()

        assert sandbox.pid == pid
    for invocation in (first, second):
        assert invocation.error is not None
        assert (invocation.error["errorType"], invocation.error["errorMessage"]) == ("LookupError", "no such pool")


def test_system_exit_ends_the_process() -> None:
    """SystemExit ends the process without an answer; the next invocation is a cold start."""
    with LambdaSandbox("plain.leave", directory=HANDLERS) as sandbox:
        first, second = sandbox.invoke(), sandbox.invoke()

    assert [first.exit_status, second.exit_status] == [3, 3]
    assert first.answered is None


def test_overrun_is_killed() -> None:
    """A handler that takes longer than allowed is killed without an answer, and the next invocation works."""
    with LambdaSandbox("plain.hang", directory=HANDLERS) as sandbox:
        started = time.monotonic()
        first = sandbox.invoke("hang", timeout=0.3)
        took = time.monotonic() - started
        second = sandbox.invoke("work")

    assert (first.timed_out, first.answered, first.exit_status) == (True, None, -9)
    assert took < 10
    assert isinstance(second.response, int)


def test_handler_that_cannot_be_loaded_is_an_error() -> None:
    """A missing handler is reported by the runtime and ends the process, and the error shows what it printed."""
    with LambdaSandbox("plain.missing", directory=HANDLERS) as sandbox:
        with pytest.raises(RuntimeError, match=r"(?s)ended with status 1 .*Handler 'missing' missing"):
            sandbox.invoke()

        assert sandbox.init_error["errorType"] == "Runtime.HandlerNotFound"


def test_fake_context_has_what_the_real_one_has() -> None:
    """Every public attribute and method of the runtime's own context exists on the fake one."""
    real = LambdaContext("id", None, None, 0)

    missing = {name for name in dir(real) if not name.startswith("_")} - set(dir(FakeLambdaContext()))

    assert missing == set()
