"""Streamed answers: nothing is read ahead, and the events arrive before the bytes that complete the answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.runtimes.google.arrivals import ask, in_time

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector
    from tests.runtimes.google.conftest import Deploy

FORMS = [
    ("sync", "streams", "/fixed"),
    ("sync", "streams", "/chunked"),
    ("sync", "streams", "/sized"),
    ("sync", "streams", "/text"),
    ("sync", "streams", "/generator"),
    ("sync", "streams", "/tuple"),
    ("sync", "streams", "/sized-tuple"),
    ("sync", "streams", "/response-tuple"),
    ("sync", "streams", "/with-context"),
    ("aio", "streams", "/chunked"),
    ("aio", "streams", "/sized"),
    ("aio", "streams", "/sync"),
    ("aio", "streams", "/sized-sync"),
    ("aio", "sync_streams", "/chunked"),
    ("aio", "sync_streams", "/sized"),
]


@pytest.mark.parametrize(("source", "target", "path"), FORMS)
def test_instance_that_stops_at_the_last_byte_has_sent_everything(
    source: str, target: str, path: str, deployed: Deploy, collector: LocalCollector
) -> None:
    """Without CPU from the client's last byte on, after each of four requests all events so far have arrived."""
    instance = deployed(source, target)
    seen = []

    for number in range(4):
        answer = ask(instance, f"request-{number}", 5, path)
        time.sleep(0.1)  # without CPU

        assert answer.body == b"firstlast!", instance.log
        assert in_time(collector, f"request-{number}", answer) == 5
        seen.append(len(collector.unique_events))

    assert seen == [5, 10, 15, 20]
    assert collector.problems == []


@pytest.mark.parametrize(
    ("source", "path"), [("sync", "/chunked"), ("sync", "/sized"), ("aio", "/chunked"), ("aio", "/sized")]
)
def test_body_is_not_read_ahead(source: str, path: str, deployed: Deploy, collector: LocalCollector) -> None:
    """The first part of a body reaches the client while the function still works on the second."""
    instance = deployed(source, "streams")

    answer = ask(instance, "slow", 5, path, pause="0.4")

    assert answer.last_byte - answer.first_byte > 0.3


def test_status_and_headers_are_the_functions_own(deployed: Deploy) -> None:
    """What a function returns beside a streamed body is kept."""
    instance = deployed("sync", "streams")

    answers = [ask(instance, "marked", 5, path) for path in ("/tuple", "/response-tuple")]

    assert [(answer.status, answer.headers["X-Mark"]) for answer in answers] == [(201, "kept")] * 2
    assert answers[1].headers["Content-Length"] == "10"


@pytest.mark.parametrize("path", ["/chunked", "/sized", "/generator", "/tuple"])
def test_head_request_sends_what_was_tracked_before(path: str, deployed: Deploy, collector: LocalCollector) -> None:
    """The answer to a HEAD request is complete with its head: what was tracked by then has arrived."""
    instance = deployed("sync", "streams")

    answer = instance.request("HEAD", f"{path}?name=head")

    assert answer.body == b""
    assert in_time(collector, "head", answer) == 1
