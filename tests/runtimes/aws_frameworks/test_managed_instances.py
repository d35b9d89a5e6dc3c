"""Lambda Managed Instances: forked workers that run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.runtimes.aws_frameworks.arrivals import in_time
from tests.runtimes.aws_frameworks.conftest import FUNCTIONS, KEY
from tests.runtimes.aws_frameworks.managed_instance import ManagedInstance
from tests.runtimes.environments import interpreter

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector


def test_workers_deliver_each_their_own(collector: LocalCollector) -> None:
    """Three forked workers at once each deliver the events of their invocation before its response, none twice."""
    instance = ManagedInstance(
        interpreter("lambda_frameworks", "3.13"),
        "managed.handler",
        directory=FUNCTIONS,
        concurrency=3,
        environment={"FORMO_WRITE_KEY": KEY, "FORMO_EVENTS_BASE_URL": collector.url},
    )
    with instance:
        for turn in range(2):
            names = [f"{turn}-{number}" for number in range(6)]
            invocations = instance.invoke_all([{"name": name, "count": 5} for name in names])

            assert [in_time(collector, name, one) for name, one in zip(names, invocations, strict=True)] == [5] * 6
            assert len({one.response["pid"] for one in invocations}) == 3

    assert len(collector.events) == len(collector.unique_events) == 60
    assert collector.problems == []
