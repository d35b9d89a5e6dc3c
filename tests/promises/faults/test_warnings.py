"""A failed flush says so once: how many events, and why; never which ones, and never the key."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest

from formo_lambda import FormoAnalytics, formo_flush

from . import behaviours
from .conftest import KEY, MakeClient
from .waiting import wait_until

if TYPE_CHECKING:
    from .fault_server import FaultServer

ADDRESS = "0x9798d87366bdfc5d70b300abdffc4f9e95369b3d"
_PAYLOAD = ("Quiet Swap", "pr0perty-value", ADDRESS, ADDRESS.lower()[2:12])


def _track(client: FormoAnalytics, count: int) -> None:
    for _ in range(count):
        client.track("Quiet Swap", address=ADDRESS, properties={"pair": "pr0perty-value"})


def _warnings(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [each for each in caplog.records if each.levelno >= logging.WARNING and each.name.startswith("formo_lambda")]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (behaviours.status(500), "500"),
        (behaviours.retry_after_seconds(60), "429"),
        (behaviours.never_answers, "timed out|in time|out of time"),
    ],
)
def test_an_outage_is_told_once(
    server: FaultServer,
    make_client: MakeClient,
    caplog: pytest.LogCaptureFixture,
    behaviour: behaviours.Behaviour,
    reason: str,
) -> None:
    """Ten flushes and two hundred invocations of an outage are one warning; its end is one line more."""
    caplog.set_level(logging.INFO)
    client = make_client(retry_count=0)
    server.switch(behaviour)
    for _ in range(10):
        _track(client, 17)
        assert not client.flush(0.3).ok
    for _ in range(200):
        with client.invocation():
            _track(client, 1)
    (began,) = _warnings(caplog)
    assert re.search(
        f"Formo cannot take events .*({reason}).*: 17 events retained, next attempt in", began.getMessage()
    )
    assert getattr(began, "formo")["retained"] == 17  # noqa: B009 -- not of its class
    server.switch(behaviours.healthy)
    assert client.flush(5.0).sent == 370
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.INFO] == [
        f"Formo takes events again after {_seconds(caplog)} s; sending 370 retained events"
    ]
    assert len(_warnings(caplog)) == 1


def _seconds(caplog: pytest.LogCaptureFixture) -> int:
    return next(
        int(found[1]) for record in caplog.records if (found := re.search(r"after (\d+) s", record.getMessage()))
    )


@pytest.mark.parametrize("status", [401, 404])
def test_each_loss_is_told_within_a_second(
    server: FaultServer, make_client: MakeClient, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Of three refused flushes the first is told at once, and the other two, which follow at once, in one line."""
    client = make_client()
    server.switch(behaviours.status(status))
    for _ in range(3):
        _track(client, 17)
        assert client.flush(5.0).undelivered == 17
    wait_until(lambda: len(_warnings(caplog)) == 2)
    first, second = _warnings(caplog)
    assert first.getMessage().startswith("17 events lost: ")
    assert second.getMessage().startswith("34 events lost: ")
    assert {first.levelno, second.levelno} == {logging.ERROR}
    assert f"HTTP {status}" in first.getMessage()


def test_a_failing_handler_flush_warns_once(
    server: FaultServer, client: FormoAnalytics, caplog: pytest.LogCaptureFixture
) -> None:
    """The end of an invocation that could not deliver is one warning."""
    server.switch(behaviours.status(500))

    @formo_flush(timeout=0.3)
    def handler(event: object, context: object) -> None:
        _track(client, 5)

    handler({}, None)
    assert len(_warnings(caplog)) == 1
    assert "5" in _warnings(caplog)[0].getMessage()


def test_a_good_flush_does_not_warn(client: FormoAnalytics, caplog: pytest.LogCaptureFixture) -> None:
    """Success is silent at WARNING."""
    _track(client, 5)
    assert client.flush().ok
    assert _warnings(caplog) == []


def test_quarantined_rows_are_told_and_warned_of(
    server: FaultServer, client: FormoAnalytics, caplog: pytest.LogCaptureFixture
) -> None:
    """What the server sets aside shows in the result, the totals and one warning, and is not sent again."""
    server.switch(behaviours.quarantines_marked)
    _track(client, 3)
    for _ in range(2):
        client.track("Marked", properties={"quarantine": True})
    result = client.flush()
    assert (result.sent, result.quarantined, result.ok) == (5, 2, False)
    assert client.stats.quarantined == 2
    assert len(_warnings(caplog)) == 1
    assert "2" in _warnings(caplog)[0].getMessage()
    client.flush()
    assert len(server.ledger.requests) == 1


@pytest.mark.parametrize(
    "behaviour",
    [behaviours.healthy, behaviours.status(401), behaviours.status(500), behaviours.garbage, behaviours.never_answers],
)
def test_no_log_line_shows_a_payload_or_the_key(
    server: FaultServer, client: FormoAnalytics, caplog: pytest.LogCaptureFixture, behaviour: behaviours.Behaviour
) -> None:
    """At DEBUG, with every library's lines and their arguments, neither the events nor the key are to be seen."""
    caplog.set_level(logging.DEBUG)
    server.switch(behaviour)
    _track(client, 3)
    client.flush(0.3)
    for record in caplog.records:
        shown = f"{record.getMessage()} {record.args!r} {record.exc_text or ''} {record.exc_info!r}"
        assert not [secret for secret in (KEY, *_PAYLOAD) if secret in shown]
