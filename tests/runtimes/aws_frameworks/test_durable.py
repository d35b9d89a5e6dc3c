"""A durable function, which is run again from its beginning after each wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.runtimes.aws_frameworks.arrivals import in_time

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector
    from tests.runtimes.aws_frameworks.conftest import Deploy

ARN = "arn:aws:lambda:us-east-1:123456789012:function:test:1/durable-execution/order/o-1"


def resume(marker: str) -> dict[str, Any]:
    """The event with which the service starts an execution, or goes on with it."""
    execution = {
        "Id": ARN.rpartition("/")[2],
        "Type": "EXECUTION",
        "Status": "STARTED",
        "StartTimestamp": 1767225600000,
        "ExecutionDetails": {"InputPayload": '{"order": "o-1"}'},
    }
    state = {"Operations": [execution], "NextMarker": marker}
    return {"DurableExecutionArn": ARN, "CheckpointToken": "token", "InitialExecutionState": state}


def test_events_of_replays_are_counted_once(deploy: Deploy, collector: LocalCollector) -> None:
    """Each part of an execution delivers its events before it is suspended, and a replay adds none twice."""
    sandbox = deploy("durable.handler")

    first = sandbox.invoke(resume(""))

    assert first.error is None, first.error
    assert first.response["Status"] == "PENDING", sandbox.log
    assert in_time(collector, "o-1", first) == 2
    assert [event["event"] for event in collector.unique_events] == ["Order Placed", "Order Paid"]

    second = sandbox.invoke(resume("from the service"))

    assert second.response["Status"] == "SUCCEEDED", sandbox.log
    assert in_time(collector, "o-1", second) == 3
    assert [event["event"] for event in collector.unique_events] == ["Order Placed", "Order Paid", "Order Shipped"]
    assert len(collector.events) == 4  # "Order Placed" came twice, under one id
