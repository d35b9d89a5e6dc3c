"""FastAPI behind Mangum: decorated outside, by middleware inside, and both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtimes.aws_frameworks.arrivals import in_time

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector
    from tests.runtimes.aws_frameworks.conftest import Deploy


def get(path: str) -> dict[str, Any]:
    """The event of an HTTP API for a GET request."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "swaps.test", "x-forwarded-proto": "https"},
        "requestContext": {"http": {"method": "GET", "path": path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"}},
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        ("handler", "async"),
        ("handler", "sync"),
        ("handler", "background"),
        ("handler", "stream"),
        ("by_middleware", "async"),
        ("by_middleware", "background"),
        ("by_both", "async"),
        ("by_both", "background"),
    ],
)
def test_every_event_arrives_before_the_response(
    handler: str, kind: str, deploy: Deploy, collector: LocalCollector
) -> None:
    """Events of views, background tasks and streamed bodies have arrived when the response is posted."""
    sandbox = deploy(f"fastapi_app.{handler}")

    for number in range(2):
        invocation = sandbox.invoke(get(f"/{kind}/{number}"))

        assert invocation.error is None, invocation.error
        assert json.loads(invocation.response["body"]) == {"name": f"{number}"}
        assert in_time(collector, f"{number}", invocation) == 5
        sandbox.keep_frozen(0.05)
    assert len(collector.events) == 10
    assert collector.problems == []


def test_failing_view_fails_as_without_us(deploy: Deploy, collector: LocalCollector) -> None:
    """A view that raises is answered with 500 by Mangum, and its events have arrived."""
    invocation = deploy("fastapi_app.handler").invoke(get("/fail/failing"))

    assert invocation.response["statusCode"] == 500
    assert in_time(collector, "failing", invocation) == 5
