"""The Vercel samples in Vercel's runtime, as they are deployed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from formo_lambda.testing import LocalCollector
from tests.runtimes.swap import SAMPLES, SWAP, assert_swap_arrived, lines_of
from tests.runtimes.vercel.builder import entrypoint_of
from tests.runtimes.vercel.runtime import VercelRuntime

if TYPE_CHECKING:
    from pathlib import Path

#: Folder, file and path of each sample.
DEPLOYED = [
    ("vercel_handler", "api/swaps.py", "/api/swaps"),
    ("vercel_fastapi", "app.py", "/swaps"),
    ("vercel_flask", "app.py", "/swaps"),
]


@pytest.mark.parametrize(("sample", "entrypoint", "path"), DEPLOYED)
def test_a_posted_swap_becomes_two_events_before_the_end(python: Path, sample: str, entrypoint: str, path: str) -> None:
    """The sample answers, and a swap's identify and track event are delivered before its invocation is over."""
    file = SAMPLES / sample / entrypoint
    variable = entrypoint_of(file.read_text(encoding="utf-8"))
    assert variable is not None
    with LocalCollector(write_key="a-write-key", delay=0.1) as collector:
        environment = {"FORMO_WRITE_KEY": "a-write-key", "FORMO_EVENTS_BASE_URL": collector.url}
        with VercelRuntime(python, file, variable, environment=environment) as runtime:
            answer = runtime.request(
                path,
                method="POST",
                body=json.dumps(SWAP).encode(),
                headers={"Content-Type": "application/json"},
            )

    assert (answer.status, json.loads(answer.body)) == (200, {"swap": "s-1"})
    assert_swap_arrived(collector, answer.ended - collector.delay)


@pytest.mark.parametrize(("sample", "entrypoint"), [sample[:2] for sample in DEPLOYED])
def test_sample_is_short(sample: str, entrypoint: str) -> None:
    """The whole function fits on one screen: at most 40 lines, and five of README."""
    assert lines_of(SAMPLES / sample / entrypoint) <= 40
    assert lines_of(SAMPLES / sample / "README.md") <= 5
