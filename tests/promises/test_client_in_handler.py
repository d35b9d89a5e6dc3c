"""A client made inside the handler, at each call, costs no more than it must and leaves nothing behind."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from formo_lambda.testing import LocalCollector
from tests.promises.hosted import run

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files where Linux lists them")

#: How often each way is called.
CALLS = {"dropped": 3_000, "shared": 3_000, "closed": 600}


@functools.cache  # each way is looked at from several sides
def called(way: str) -> dict[str, Any]:
    """Return what the calls of one way took and left, where a process may have 256 files open."""
    with LocalCollector() as collector:
        (told,) = run("client_in_handler", way, CALLS[way], url=collector.url, seconds=50.0)
        return {**told, "events": len(collector.unique_events), "connections": collector.connections}


@pytest.mark.parametrize("way", ["dropped", "closed"])
def test_every_event_arrives(way: str) -> None:
    """Each call delivers its event, whether its client is dropped or closed."""
    told = called(way)
    assert told["calls"] == told["events"] == CALLS[way], told


@pytest.mark.parametrize("way", ["dropped", "closed"])
def test_threads_and_files_stay_few(way: str) -> None:
    """However many calls there were, there are no more threads and open files than for a few clients."""
    told = called(way)
    assert told["calls"] == CALLS[way], told
    assert told["most"]["threads"] <= 4, told
    assert told["most"]["files"] <= 24, told


def test_a_dropped_client_leaves_its_connection_to_the_next() -> None:
    """All clients of one endpoint use one connection, one after the other."""
    told = called("dropped")
    assert told["calls"] == CALLS["dropped"], told
    assert told["connections"] == 1, told


def test_memory_stays_flat() -> None:
    """Thousands of calls need no more memory than hundreds."""
    told = called("dropped")
    assert told["calls"] == CALLS["dropped"], told
    assert told["most"]["kilobytes"] - told["settled"]["kilobytes"] < 3_000, told


def test_a_call_takes_hardly_longer() -> None:
    """A call takes about as long as one that uses the module's client."""
    told, shared = called("dropped"), called("shared")
    assert told["calls"] == shared["calls"] == CALLS["dropped"], told
    # A wide bound for a busy machine, where the two are measured one after the other.
    assert told["median"] < 3.0 * shared["median"], (told, shared)
