"""Azure Functions: it tells no deadline, and may end an instance when its functions have returned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from formo_lambda.constants import EXIT_BUDGET
from formo_lambda.platforms.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping


class Azure(Platform):
    """Azure Functions, also under its local tools."""

    name = "Azure Functions"
    serverless = True
    exit_budget = EXIT_BUDGET

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Return whether the environment is this platform's; plain App Service is not."""
        return "FUNCTIONS_WORKER_RUNTIME" in environ


PLATFORM = Azure()
