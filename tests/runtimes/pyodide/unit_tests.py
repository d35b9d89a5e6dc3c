"""Run the tests of what needs neither threads nor sockets; print what is left out, and why."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Coroutine

_T = TypeVar("_T")

FOLDERS = ["tests/events", "tests/context", "tests/client", "tests/handlers"]

_NO_WHEEL = "needs a library that has no wheel without machine code"
_THREADS = "needs threads"
#: Files, and single tests, that are left out.
LEFT_OUT = {
    "tests/events/test_ethereum_addresses.py": _NO_WHEEL,
    "tests/events/test_keccak.py": _NO_WHEEL,
    "tests/context/test_frameworks.py": _NO_WHEEL,
    "tests/handlers/test_applications.py": _NO_WHEEL,
    "tests/handlers/test_bodies.py": _NO_WHEEL,
    "tests/client/test_client.py": _THREADS,
    "tests/client/test_flush.py": _THREADS,
    "tests/client/test_triggers.py": _THREADS,
    "tests/handlers/test_handler_class.py": _THREADS,
    "tests/handlers/test_harmless.py": _THREADS,
    "tests/handlers/test_asgi_behaviour.py::test_a_cancellation_during_a_flush_keeps_to_the_budget": _THREADS,
    "tests/handlers/test_asgi_behaviour.py::test_child_tasks_and_threads_belong_to_their_request": _THREADS,
    "tests/handlers/test_asgi_behaviour.py::test_the_loop_runs_on_while_a_flush_waits": _THREADS,
    "tests/handlers/test_streams.py::test_stepping_from_many_threads": _THREADS,
    "tests/handlers/test_wsgi_behaviour.py::test_requests_on_many_threads_are_disjoint": _THREADS,
    "tests/handlers/test_wsgi_moments.py::test_a_stream_that_is_iterated_on_other_threads": _THREADS,
    "tests/events/test_value_structure.py::TestHostileObjects::test_changes_by_another_thread": _THREADS,
    "tests/events/test_value_structure.py::TestSize::test_a_long_range_is_not_counted_out": "needs sizes of 64 bits",
    "tests/context/test_sources.py::test_no_framework_is_imported": "needs processes",
}


class _Loop(asyncio.BaseEventLoop):
    """A loop that runs to its end: the host's own cannot, and asyncio's others need sockets."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self

    def select(self, timeout: float | None) -> list[Any]:
        """Wait for the next timer: there is nothing else to wait for."""
        if timeout is None:
            raise RuntimeError("this loop would never go on")
        time.sleep(timeout)
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        """Nothing: there are no files."""

    def _write_to_self(self) -> None:
        """Nothing: there are no other threads."""


def _run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    loop = _Loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def main() -> int:
    """Return pytest's exit status; whoever runs this file in Pyodide calls it there."""
    os.chdir("/mounted/project")
    asyncio._set_running_loop(None)  # the host's is always said to run
    asyncio.run = _run  # type: ignore[assignment] # it takes no options
    for path, reason in LEFT_OUT.items():
        print(f"left out: {path}: {reason}")
    left_out = [f"--{'deselect' if '::' in path else 'ignore'}={path}" for path in LEFT_OUT]
    # There is no thread that could watch the time.
    options = ["-q", "-p", "no:cacheprovider", "-o", "timeout=0", "--hypothesis-profile=quick"]
    return int(pytest.main([*options, *left_out, *FOLDERS]))
