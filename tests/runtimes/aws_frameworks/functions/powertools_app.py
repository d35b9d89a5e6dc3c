"""Handlers with the decorators of Powertools for AWS Lambda, above and below ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.middleware_factory import lambda_handler_decorator
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes import SQSEvent, event_source

from formo_lambda import FormoAnalytics, formo_flush

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

analytics = FormoAnalytics()
logger = Logger(service="swaps")
metrics = Metrics(namespace="swaps", service="swaps")
processor = BatchProcessor(event_type=EventType.SQS)


def track_swaps(name: str, count: int) -> None:
    """Track swaps that belong to one invocation."""
    for number in range(count):
        analytics.track("Swap Completed", properties={"invocation": name, "number": number})


@lambda_handler_decorator
def around(handler: Callable[..., Any], event: Any, context: Any) -> Any:
    """Track before and after the handler, as a middleware of the user's own may."""
    track_swaps(event["name"], 1)
    result = handler(event, context)
    track_swaps(event["name"], 1)
    return result


@formo_flush
@logger.inject_lambda_context
@metrics.log_metrics
@around  # pyright: ignore[reportCallIssue] # of Powertools: it is no decorator before it is decorated
def above(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Be decorated by us last: also what the others track is in time."""
    metrics.add_metric(name="Swaps", unit=MetricUnit.Count, value=1)
    track_swaps(event["name"], 3)
    return {"name": event["name"], "remaining": context.get_remaining_time_in_millis()}


@logger.inject_lambda_context
@metrics.log_metrics
@formo_flush
def below(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Be decorated by us first."""
    metrics.add_metric(name="Swaps", unit=MetricUnit.Count, value=1)
    track_swaps(event["name"], 5)
    return {"name": event["name"], "remaining": context.get_remaining_time_in_millis()}


@formo_flush
@event_source(data_class=SQSEvent)
def typed(event: SQSEvent, context: Any) -> dict[str, Any]:
    """Get the event as an object."""
    for record in event.records:
        track_swaps(record.json_body["name"], record.json_body["count"])
    return {"records": len(list(event.records))}


def take_record(record: SQSRecord) -> None:
    """Track the swaps of one message; one of them may be refused."""
    with analytics.invocation(on_exception="discard", idempotency_key=record.message_id):
        track_swaps(record.json_body["name"], record.json_body["count"])
        if record.json_body.get("poison"):
            raise LookupError("no such pool")


@formo_flush
def batch(event: dict[str, Any], context: Any) -> Any:
    """Take the messages one by one; report those that failed."""
    return process_partial_response(event=event, record_handler=take_record, processor=processor, context=context)
