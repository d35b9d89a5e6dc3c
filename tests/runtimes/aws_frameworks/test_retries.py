"""Calls that Lambda or a queue repeats after a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.runtimes.aws_frameworks.arrivals import events_of, in_time

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector
    from tests.runtimes.aws_frameworks.conftest import Deploy


def test_redelivered_message_is_counted_once(deploy: Deploy, collector: LocalCollector) -> None:
    """A message that is delivered again tracks under the same message ids, in another process as well."""
    event = {"Records": [{"messageId": "m-1", "body": "", "eventSource": "aws:sqs"}]}
    sandbox = deploy("retried.queue")
    failed, succeeded = sandbox.invoke(event), sandbox.invoke(event)
    deploy("retried.queue").invoke(event)

    assert (failed.error is None, succeeded.error) == (False, None)
    assert in_time(collector, "m-1", failed) == 4
    assert (len(collector.events), len(collector.unique_events)) == (12, 4)


def test_repeated_asynchronous_call_is_counted_once(deploy: Deploy, collector: LocalCollector) -> None:
    """An asynchronous call that Lambda repeats keeps its request id, and so its message ids; another has its own."""
    sandbox = deploy("retried.asynchronous")
    for _ in range(2):
        sandbox.invoke({}, request_id="11111111-2222-3333-4444-555555555555")
    sandbox.invoke({}, request_id="99999999-2222-3333-4444-555555555555")

    assert (len(collector.events), len(collector.unique_events)) == (12, 8)


def test_discarded_attempt_leaves_nothing(deploy: Deploy, collector: LocalCollector) -> None:
    """With `on_exception="discard"` only the attempt that succeeded counts."""
    sandbox = deploy("retried.discarding")
    failed, succeeded = (sandbox.invoke({"name": "only"}) for _ in range(2))

    assert (failed.error is None, succeeded.error) == (False, None)
    assert len(events_of(collector, "only")) == len(collector.events) == 4
