"""The word to those who track where nothing flushes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from formo_lambda import formo_flush

if TYPE_CHECKING:
    from tests.client.recorded import MakeClient

VARIABLES = ["VERCEL", "AWS_LAMBDA_FUNCTION_NAME", "K_SERVICE", "FUNCTIONS_WORKER_RUNTIME"]


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings of the package about events outside any invocation."""
    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    return [message for message in messages if "outside any invocation" in message]


@pytest.mark.parametrize("variable", VARIABLES)
def test_tracking_outside_any_invocation_is_warned_of_once(
    variable: str, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On a serverless platform the first event outside any invocation brings one warning that says what to do."""
    monkeypatch.setenv(variable, "1")
    client = make_client()

    for _ in range(3):
        client.track("Swap Completed")

    (warning,) = warnings_in(caplog)
    assert client._platform.name in warning
    assert "@formo_flush on the handler" in warning


def test_the_event_is_sent_all_the_same(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the warning is about is delivered by the next flush."""
    monkeypatch.setenv("K_SERVICE", "swaps")
    client = make_client()
    client.track("Swap Completed")

    assert client.flush().sent == 1


def test_no_warning_within_an_invocation(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Decorated handlers and `with client.invocation()` are not warned of."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "swaps")
    client = make_client()

    @formo_flush
    def handler() -> None:
        client.track("Swap Completed")

    handler()
    with client.invocation():
        client.track("Swap Completed")

    assert warnings_in(caplog) == []


@pytest.mark.parametrize(("environ", "enabled"), [({}, True), ({"K_SERVICE": "swaps"}, False)])
def test_no_warning_without_a_cause(
    environ: dict[str, str],
    enabled: bool,  # noqa: FBT001 - a parameter of the test
    make_client: MakeClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A process that keeps running is not warned, and neither is a client that is switched off."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    make_client(enabled=enabled).track("Swap Completed")

    assert warnings_in(caplog) == []
