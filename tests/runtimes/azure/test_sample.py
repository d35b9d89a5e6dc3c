"""The sample for Azure Functions, as it is deployed."""

from __future__ import annotations

import json

from formo_lambda.testing import LocalCollector
from tests.runtimes.azure.host import FunctionsHost
from tests.runtimes.environments import interpreter
from tests.runtimes.swap import SAMPLES, SWAP, assert_swap_arrived, import_without_key, lines_of

SAMPLE = SAMPLES / "azure_functions"
MODULE = SAMPLE / "function_app.py"


def test_swap_becomes_two_events_before_the_answer() -> None:
    """A posted swap arrives as an identify and a track event of its wallet, before the webhook answers."""
    with LocalCollector(write_key="a-write-key") as collector:
        environment = {"FORMO_WRITE_KEY": "a-write-key", "FORMO_EVENTS_BASE_URL": collector.url}
        with FunctionsHost(interpreter("azure", "3.13"), SAMPLE, environment=environment) as host:
            invocation = host.invoke("swaps", SWAP)

    assert (invocation.http_status, invocation.body) == (200, {"swap": "s-1"})
    assert_swap_arrived(collector, invocation.answered)


def test_sample_can_be_built_without_a_key() -> None:
    """With FORMO_DISABLED=1 the app is imported without a key, a warning or a word."""
    assert import_without_key(interpreter("azure", "3.13"), MODULE) == ""


def test_host_file_is_of_the_second_version() -> None:
    """The settings of the host are JSON of the version that the programming model needs."""
    assert json.loads((SAMPLE / "host.json").read_text(encoding="utf-8"))["version"] == "2.0"


def test_sample_is_short() -> None:
    """The whole app fits on one screen: at most 40 lines."""
    assert lines_of(MODULE) <= 40
