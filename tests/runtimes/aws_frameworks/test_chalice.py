"""A Chalice application with the decorator as its middleware."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtimes.aws_frameworks.arrivals import in_time

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector
    from tests.runtimes.aws_frameworks.conftest import Deploy


def get(route: str, name: str) -> dict[str, Any]:
    """The event of a REST API for a GET request."""
    return {
        "requestContext": {"httpMethod": "GET", "resourcePath": f"/{route}/{{name}}", "identity": {}},
        "path": f"/{route}/{name}",
        "pathParameters": {"name": name},
        "headers": {"accept": "application/json"},
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }


def queued(name: str) -> dict[str, Any]:
    """The event of a queue with one message."""
    record = {"messageId": "m-1", "body": name, "receiptHandle": "h", "eventSource": "aws:sqs", "attributes": {}}
    return {"Records": [record]}


@pytest.mark.parametrize(
    ("handler", "event_of"),
    [
        ("app", lambda name: get("swaps", name)),
        ("on_swap", queued),
        ("plain", lambda name: {"name": name}),
    ],
    ids=["route", "queue", "function"],
)
def test_every_event_arrives_before_the_response(
    handler: str, event_of: Any, deploy: Deploy, collector: LocalCollector
) -> None:
    """Decorated anew at every call, each invocation's events have arrived when its response is posted, once each."""
    sandbox = deploy(f"app.{handler}", folder="chalice_app")

    for number in range(3):
        invocation = sandbox.invoke(event_of(f"{number}"))

        assert invocation.error is None, invocation.error
        assert in_time(collector, f"{number}", invocation) == 5
        sandbox.keep_frozen(0.05)
    assert len(collector.events) == 15
    assert collector.problems == []


def test_failing_view_fails_as_without_us(deploy: Deploy, collector: LocalCollector) -> None:
    """A view that raises is answered with 500 by Chalice, and its events have arrived."""
    invocation = deploy("app.app", folder="chalice_app").invoke(get("fail", "failing"))

    assert invocation.response["statusCode"] == 500
    assert json.loads(invocation.response["body"])["Code"] == "InternalServerError"
    assert in_time(collector, "failing", invocation) == 5
