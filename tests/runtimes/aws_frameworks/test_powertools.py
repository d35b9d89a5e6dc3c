"""The decorators of Powertools for AWS Lambda, above and below ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtimes.aws_frameworks.arrivals import events_of, in_time

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector
    from tests.runtimes.aws_frameworks.conftest import Deploy


def message(name: str, **more: Any) -> dict[str, Any]:
    """A record of a queue that has a handler track five swaps."""
    body = json.dumps({"name": name, "count": 5, **more})
    return {"messageId": f"id-{name}", "body": body, "eventSource": "aws:sqs", "attributes": {}}


@pytest.mark.parametrize("handler", ["above", "below"])
def test_order_of_decorators_does_not_matter(handler: str, deploy: Deploy, collector: LocalCollector) -> None:
    """Above and below logger, metrics and a middleware all events of a call arrive before its response."""
    sandbox = deploy(f"powertools_app.{handler}")

    for number in range(2):
        invocation = sandbox.invoke({"name": f"{number}"}, timeout=5.0)

        assert invocation.error is None, invocation.error
        assert 0 < invocation.response["remaining"] <= 5000
        assert in_time(collector, f"{number}", invocation) == 5
    assert '"Swaps"' in sandbox.log  # the metrics are there too
    assert collector.problems == []


def test_server_that_hangs_does_not_cost_the_invocation(deploy: Deploy, collector: LocalCollector) -> None:
    """The deadline is known through the decorators around the handler: the value is posted in time."""
    collector.delay = 60.0
    sandbox = deploy("powertools_app.below")
    sandbox.start()

    invocation = sandbox.invoke({"name": "unlucky"}, timeout=1.5)

    assert (invocation.timed_out, invocation.response["name"]) == (False, "unlucky")


def test_event_as_an_object(deploy: Deploy, collector: LocalCollector) -> None:
    """Above the decorator that turns the event into an object, the handler gets that object."""
    invocation = deploy("powertools_app.typed").invoke({"Records": [message("a"), message("b")]})

    assert invocation.response == {"records": 2}
    assert (in_time(collector, "a", invocation), in_time(collector, "b", invocation)) == (5, 5)


def test_batch_discards_only_what_failed(deploy: Deploy, collector: LocalCollector) -> None:
    """Of a batch of messages only the failed one's events are discarded; when it comes again none counts twice."""
    sandbox = deploy("powertools_app.batch")
    records = [message("a"), message("b", poison=True), message("c")]

    first = sandbox.invoke({"Records": records})

    assert first.response == {"batchItemFailures": [{"itemIdentifier": "id-b"}]}
    assert [in_time(collector, name, first) for name in "abc"] == [5, 0, 5]

    second = sandbox.invoke({"Records": [message("a"), message("b")]})  # a comes twice, as queues do

    assert second.response == {"batchItemFailures": []}
    assert [len(events_of(collector, name)) for name in "abc"] == [5, 5, 5]
