"""Which platform an environment is taken for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import formo_flush
from formo_lambda.platforms import PLATFORMS, Platform, detect
from formo_lambda.testing import FakeLambdaContext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Variables as each platform sets them.
VERCEL = {"VERCEL": "1", "VERCEL_ENV": "production", "AWS_LAMBDA_FUNCTION_NAME": "x", "AWS_REGION": "us-east-1"}
LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "swaps", "AWS_REGION": "us-east-1"}
FUNCTION = {"K_SERVICE": "swaps", "K_REVISION": "swaps-00001", "FUNCTION_TARGET": "swaps", "PORT": "8080"}
CLOUD_RUN = {"K_SERVICE": "swaps", "K_REVISION": "swaps-00001", "PORT": "8080"}
JOB = {"CLOUD_RUN_JOB": "nightly", "CLOUD_RUN_TASK_INDEX": "0"}
AZURE = {"FUNCTIONS_WORKER_RUNTIME": "python", "WEBSITE_INSTANCE_ID": "0123"}
APP_SERVICE = {"WEBSITE_INSTANCE_ID": "0123", "WEBSITE_SITE_NAME": "shop"}


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        (VERCEL, "Vercel"),
        (LAMBDA, "AWS Lambda"),
        (FUNCTION, "Google Cloud"),
        (CLOUD_RUN, "Google Cloud"),
        (AZURE, "Azure Functions"),
        (JOB, "generic"),
        (APP_SERVICE, "generic"),
        ({}, "generic"),
    ],
)
def test_environment_tells_the_platform(environ: Mapping[str, str], name: str) -> None:
    """Each platform is known by its own variables, whatever others it sets; what keeps running is generic."""
    assert detect(environ).name == name


def test_only_what_keeps_running_is_not_serverless() -> None:
    """Every known platform but the generic one may stop a process whose functions have returned."""
    assert [platform.name for platform in PLATFORMS if not platform.serverless] == ["generic"]


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_every_platform_reads_a_deadline_among_the_arguments(platform: Any) -> None:
    """A wrong guess costs nothing where the call carries a Lambda context: by position and by name."""
    context = FakeLambdaContext(30_000)

    assert 29 < platform.remaining(({}, context), {}) <= 30
    assert 29 < platform.remaining((), {"context": context}) <= 30
    assert platform.remaining(({}, object()), {"req": 1}) is None


class Cluster:
    """A platform of the user's own, which recognises every environment."""

    name = "cluster"
    serverless = True
    exit_budget = 1.0

    def __init__(self) -> None:
        self.asked = 0

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Recognise it."""
        return True

    def remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Leave the invocation half a second."""
        self.asked += 1
        return 0.5


def test_own_platform_is_asked_first(client: Any) -> None:
    """A platform that is given to the decorator decides before those the package knows."""
    cluster = Cluster()

    @formo_flush(platforms=[cluster])
    def handler() -> None:
        client.track("Swap Completed")

    handler()

    assert cluster.asked > 0


class Rack(Platform):
    """A platform of the user's own, which says nothing of deadlines."""

    name = "rack"
    serverless = True
    exit_budget = 1.0

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Recognise every environment."""
        return True


def test_a_platform_inherits_the_deadline_of_the_context() -> None:
    """A subclass of `Platform` without `remaining` reads the time left from a Lambda context, or returns None."""
    assert Rack().remaining((), {"context": FakeLambdaContext(remaining_ms=0)}) == 0.0
    assert Rack().remaining(({}, None), {}) is None
