"""Idle costs nothing, and what is no longer needed is gone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from formo_lambda.testing import LocalCollector
from tests.promises.exits.process import run

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files where Linux lists them")


def test_a_thousand_idle_clients() -> None:
    """They have no thread and no socket, also after empty flushes; dropped, they are collected."""
    with LocalCollector() as collector:
        ended = run("idle", url=collector.url)
        counted = json.loads(ended.first)
        assert counted["after"] == counted["before"]
        assert (counted["clients"], counted["outboxes"]) == (0, 0)
        assert collector.connections == 0
        assert (ended.status, ended.errors) == (0, "")


def test_senders_live_only_while_there_is_something_to_do() -> None:
    """They end soon after the last event and come back with the next; a dropped client is kept until it delivered."""
    with LocalCollector() as collector:
        ended = run("dropped", url=collector.url)
        assert [ended.first, *ended.lines] == [
            "delivered True",
            "idle 0 True",
            "again 0 2",
            "pending True",
            "collected True 0",
        ], ended.errors
        assert [event["event"] for event in collector.events] == ["One", "Two", "Three", "Four"]


def test_a_snapshot_has_no_connections() -> None:
    """Before a snapshot the hooks close every connection; what is restored opens its own and delivers."""
    environ = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
    with LocalCollector() as collector:
        ended = run("snapshot", url=collector.url, environ=environ)
        assert [ended.first, *ended.lines] == ["1 1", "open 1", "closed 0", "True", "True"], ended.errors
        assert collector.connections == 2
        assert len(collector.events) == 4


@pytest.mark.parametrize("kind", ["on-demand", "provisioned-concurrency", ""])
def test_without_a_snapshot_there_are_no_hooks(kind: str) -> None:
    """Elsewhere the module is not even looked for."""
    with LocalCollector() as collector:
        ended = run("snapshot", url=collector.url, environ={"AWS_LAMBDA_INITIALIZATION_TYPE": kind})
        assert [ended.first, *ended.lines] == ["0 0", "open 1", "closed 1", "True", "True"], (ended.errors, sys.version)
        assert collector.connections == 1
