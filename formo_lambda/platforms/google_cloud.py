"""Google Cloud Functions and Cloud Run: no deadline, and no CPU once the last response is complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from formo_lambda.constants import EXIT_BUDGET
from formo_lambda.platforms.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping


class GoogleCloud(Platform):
    """Cloud Run functions, Cloud Functions and Cloud Run services."""

    name = "Google Cloud"
    serverless = True
    # There are ten seconds between SIGTERM and SIGKILL.
    exit_budget = EXIT_BUDGET

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Return whether the environment is this platform's. A Cloud Run job is not: nothing ends it early."""
        return "K_SERVICE" in environ or "FUNCTION_TARGET" in environ


PLATFORM = GoogleCloud()
