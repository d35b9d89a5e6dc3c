"""Functions under AWS's runtime client together with what users run on it, and the ingest server they send to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from formo_lambda.testing import LocalCollector
from tests.runtimes.environments import interpreter
from tests.runtimes.sandbox import LambdaSandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = Path(__file__).parent / "functions"
KEY = "a-write-key"
#: The environments that have the runtime client, by the version of Python.
RUNTIME_CLIENTS = {"3.11": "lambda", "3.12": "lambda", "3.13": "lambda_frameworks"}


class Deploy(Protocol):
    """**Protocol:** makes the sandbox of a function."""

    def __call__(self, handler: str, *, folder: str = ".", version: str = "3.13", **variables: str) -> LambdaSandbox:
        """Return the sandbox.

        Args:
            handler: `module.function`.
            folder: Where the module lies among the functions of the tests.
            version: The version of Python.
            variables: The function's environment variables.
        """
        ...


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    """An ingest server that takes 30 ms for an answer, so that what leaves late is seen to be late."""
    with LocalCollector(write_key=KEY, delay=0.03) as collector:
        yield collector


@pytest.fixture
def deploy(collector: LocalCollector) -> Iterator[Deploy]:
    """Makes sandboxes whose events go to the ingest server, and ends them."""
    made: list[LambdaSandbox] = []

    def make(handler: str, *, folder: str = ".", version: str = "3.13", **variables: str) -> LambdaSandbox:
        environment = {
            "FORMO_WRITE_KEY": KEY,
            "FORMO_EVENTS_BASE_URL": collector.url,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
            "AWS_DEFAULT_REGION": "us-east-1",
            **variables,
        }
        python = interpreter(RUNTIME_CLIENTS[version], version)
        sandbox = LambdaSandbox(handler, directory=FUNCTIONS / folder, environment=environment, python=python)
        made.append(sandbox)
        return sandbox

    yield make
    for sandbox in made:
        sandbox.close()
