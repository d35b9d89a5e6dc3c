"""AWS's runtime client on each version of Python that Lambda offers it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runtimes.aws_frameworks.arrivals import in_time

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector
    from tests.runtimes.aws_frameworks.conftest import Deploy

pytestmark = pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
HANDLERS = "../../handlers"


def test_every_event_arrives_before_the_response(version: str, deploy: Deploy, collector: LocalCollector) -> None:
    """In each of several invocations of one process all its events have arrived when its response is posted."""
    sandbox = deploy("swaps.finish", folder=HANDLERS, version=version)

    for number, count in enumerate([1, 7, 65]):
        invocation = sandbox.invoke({"name": f"{number}", "count": count})

        assert in_time(collector, f"{number}", invocation) == count, sandbox.log
        sandbox.keep_frozen(0.1)
    assert collector.problems == []


def test_events_of_a_failing_handler_arrive_before_the_error(
    version: str, deploy: Deploy, collector: LocalCollector
) -> None:
    """The posted error is the handler's own, and its events have arrived."""
    invocation = deploy("swaps.fail", folder=HANDLERS, version=version).invoke({"name": "failing", "count": 3})

    assert invocation.error is not None
    assert invocation.error["errorType"] == "LookupError"
    assert in_time(collector, "failing", invocation) == 3


def test_events_arrive_before_system_exit_ends_the_process(
    version: str, deploy: Deploy, collector: LocalCollector
) -> None:
    """When the handler calls sys.exit, its events arrive, and the process ends with its status."""
    invocation = deploy("swaps.leave", folder=HANDLERS, version=version).invoke({"name": "leaving", "count": 3})

    assert (invocation.exit_status, len(collector.unique_events)) == (3, 3)


def test_server_that_hangs_does_not_cost_the_invocation(
    version: str, deploy: Deploy, collector: LocalCollector
) -> None:
    """With an ingest server that hangs, the handler's value is posted within the function's time."""
    collector.delay = 60.0
    sandbox = deploy("swaps.finish", folder=HANDLERS, version=version)
    sandbox.start()

    invocation = sandbox.invoke({"name": "unlucky", "count": 3}, timeout=1.5)

    assert (invocation.timed_out, invocation.response["name"]) == (False, "unlucky")
