"""Handlers that are called again with the same event, as after a failure."""

from __future__ import annotations

from typing import Any

from formo_lambda import FormoAnalytics, formo_flush

analytics = FormoAnalytics()
attempts: list[str] = []


def _fail_first(key: str) -> None:
    attempts.append(key)
    if attempts.count(key) == 1:
        raise LookupError("no such pool")


@formo_flush(idempotency=lambda event, context: event["Records"][0]["messageId"])
def queue(event: dict[str, Any], context: Any) -> None:
    """Take one message; fail at its first delivery."""
    (record,) = event["Records"]
    for number in range(4):
        analytics.track("Swap Completed", properties={"invocation": record["messageId"], "number": number})
    _fail_first(record["messageId"])


@formo_flush(idempotency=lambda event, context: context.aws_request_id)
def asynchronous(event: dict[str, Any], context: Any) -> None:
    """Fail at the first attempt: Lambda repeats an asynchronous call under the same request id."""
    for number in range(4):
        analytics.track("Swap Completed", properties={"invocation": context.aws_request_id, "number": number})
    _fail_first(context.aws_request_id)


@formo_flush(on_exception="discard")
def discarding(event: dict[str, Any], context: Any) -> None:
    """Fail at the first attempt, whose events then do not count."""
    for number in range(4):
        analytics.track("Swap Completed", properties={"invocation": event["name"], "number": number})
    _fail_first(event["name"])
