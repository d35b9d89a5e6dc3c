"""The timeout that Google's framework raises in the thread of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.runtimes.google.arrivals import ask, in_time

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector
    from tests.runtimes.google.conftest import Deploy

TIMEOUT = {"THREADED_TIMEOUT_ENABLED": "true", "CLOUD_RUN_TIMEOUT_SECONDS": "1"}


def test_timeout_passes_through(deploy: Deploy, collector: LocalCollector) -> None:
    """The exception that the framework raises into a hanging function ends it, after its events have left."""
    instance = deploy("sync", "hang", **TIMEOUT)

    answer = ask(instance, "late", 5)

    assert (answer.status, in_time(collector, "late", answer)) == (500, 5)
    assert "RequestTimeoutException" in instance.log
    assert ask(instance, "later", 5).status == 500  # the server lives on


def test_timeout_during_the_flush_passes_through(deploy: Deploy, collector: LocalCollector) -> None:
    """The exception that comes while events are sent to a server that hangs ends the request all the same."""
    collector.delay = 60.0
    instance = deploy("sync", "http_below", **TIMEOUT)

    answer = ask(instance, "late", 5)

    assert answer.status == 500
    assert "RequestTimeoutException" in instance.log
