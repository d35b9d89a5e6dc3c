"""The sample for Google Cloud Functions, as it is deployed."""

from __future__ import annotations

import json

from formo_lambda.testing import LocalCollector
from tests.runtimes.environments import interpreter
from tests.runtimes.google.service import CloudRunInstance
from tests.runtimes.swap import SAMPLES, SWAP, assert_swap_arrived, import_without_key, lines_of

MODULE = SAMPLES / "google_cloud_functions" / "main.py"


def test_swap_becomes_two_events_before_the_answer() -> None:
    """A posted swap arrives as an identify and a track event of its wallet, before the webhook answers."""
    with LocalCollector(write_key="a-write-key") as collector:
        environment = {"FORMO_WRITE_KEY": "a-write-key", "FORMO_EVENTS_BASE_URL": collector.url}
        with CloudRunInstance(interpreter("google", "3.13"), MODULE, "swaps", environment=environment) as instance:
            answer = instance.request(body=json.dumps(SWAP).encode(), headers={"Content-Type": "application/json"})

    assert (answer.status, json.loads(answer.body)) == (200, {"swap": "s-1"})
    assert_swap_arrived(collector, answer.last_byte)


def test_sample_can_be_built_without_a_key() -> None:
    """With FORMO_DISABLED=1 the function is imported without a key, a warning or a word."""
    assert import_without_key(interpreter("google", "3.13"), MODULE) == ""


def test_sample_is_short() -> None:
    """The whole function fits on one screen: at most 40 lines."""
    assert lines_of(MODULE) <= 40
