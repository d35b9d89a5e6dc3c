"""Modules of others that another thread is importing at this moment: they are there, and have nothing yet."""

from __future__ import annotations

import importlib.util

import pytest

from formo_lambda.testing import LocalCollector
from tests.promises.hosted import run

#: What the package looks at where it is loaded, and never imports.
MODULES = ["multiprocessing.util", "asyncio.events", "trio.lowlevel", "celery.signals", "decimal", "uuid"]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_is_being_imported(module: str) -> None:
    """Whoever tracks meanwhile notices nothing, and what comes at the end of the process arrives, too."""
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        pytest.skip("a tool of development")
    with LocalCollector() as collector:
        (seen,) = run("half_loaded", module, url=collector.url)
    assert seen == {"half": True, "sent": 3}
    assert [event["event"] for event in collector.events] == ["Tracked", "Handled", "Awaited", "Loaded"]
