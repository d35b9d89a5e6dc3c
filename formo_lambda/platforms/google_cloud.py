"""Google Cloud Functions and Cloud Run: no deadline is told, and the CPU goes when the last response is complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formo_lambda.constants import EXIT_BUDGET
from formo_lambda.platforms.platform import remaining_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class GoogleCloud:
    """Cloud Run functions, Cloud Functions and Cloud Run services."""

    name = "Google Cloud"
    serverless = True
    # There are ten seconds between SIGTERM and SIGKILL.
    exit_budget = EXIT_BUDGET

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Whether the environment is this platform's. A Cloud Run job is not: it runs to its end like any process."""
        return "K_SERVICE" in environ or "FUNCTION_TARGET" in environ

    def remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Return None, unless the guess was wrong and the arguments carry a deadline after all."""
        return remaining_of(args, kwargs)


PLATFORM = GoogleCloud()
