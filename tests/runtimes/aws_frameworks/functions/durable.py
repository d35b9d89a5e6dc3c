"""A durable function, ours outside; the service that keeps its state is played by this module."""

from __future__ import annotations

import datetime as dt
from typing import Any

from aws_durable_execution_sdk_python import DurableContext, StepContext, durable_execution, durable_step
from aws_durable_execution_sdk_python.config import Duration

from formo_lambda import FormoAnalytics, formo_flush

analytics = FormoAnalytics()
STATUS = {"START": "STARTED", "SUCCEED": "SUCCEEDED", "FAIL": "FAILED"}


class DurableService:
    """Keeps the operations of one execution, as far as the SDK asks for them."""

    def __init__(self) -> None:
        self.operations: dict[str, dict[str, Any]] = {}

    def checkpoint_durable_execution(self, **request: Any) -> dict[str, Any]:
        """Take note of operations that began or ended."""
        changed = []
        for update in request["Updates"]:
            operation = self.operations.setdefault(
                update["Id"],
                {"Id": update["Id"], "Type": update["Type"], "StartTimestamp": dt.datetime.now(dt.timezone.utc)},
            )
            operation |= {key: update[key] for key in ("Name", "ParentId", "SubType") if key in update}
            operation["Status"] = STATUS[update["Action"]]
            if update["Type"] == "STEP" and "Payload" in update:
                operation["StepDetails"] = {"Result": update["Payload"], "Attempt": 1}
            if update["Type"] == "WAIT":
                operation["WaitDetails"] = {"ScheduledEndTimestamp": dt.datetime.now(dt.timezone.utc)}
            changed.append(operation)
        return {"CheckpointToken": "token", "NewExecutionState": {"Operations": changed}}

    def get_durable_execution_state(self, **request: Any) -> dict[str, Any]:
        """Give all operations; by now every wait is over."""
        done = [
            {**operation, "Status": "SUCCEEDED"} if operation["Type"] == "WAIT" else operation
            for operation in self.operations.values()
        ]
        return {"Operations": done}


service = DurableService()


def track(event: str, execution: str) -> None:
    """Track one event of an execution."""
    analytics.track(event, properties={"invocation": execution})


@durable_step
def pay(step: StepContext, execution: str) -> str:
    """Do what is not repeated in a replay."""
    track("Order Paid", execution)
    return "paid"


@formo_flush(idempotency=lambda event, context: event["DurableExecutionArn"])
@durable_execution(boto3_client=service)
def handler(event: dict[str, Any], context: DurableContext) -> str:
    """Place, pay, wait, ship: what is outside of the step is run again after the wait."""
    track("Order Placed", event["order"])
    paid: str = context.step(pay(event["order"]))  # pyright: ignore[reportCallIssue] # the decorator passes the step
    context.wait(Duration.from_seconds(1))
    track("Order Shipped", event["order"])
    return paid
