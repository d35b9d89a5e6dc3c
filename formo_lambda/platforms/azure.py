"""Azure Functions: no deadline is told, and an instance may end when its functions have returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formo_lambda.constants import EXIT_BUDGET
from formo_lambda.platforms.platform import remaining_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Azure:
    """Azure Functions, also under its local tools."""

    name = "Azure Functions"
    serverless = True
    exit_budget = EXIT_BUDGET

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Whether the environment is this platform's; plain App Service is not."""
        return "FUNCTIONS_WORKER_RUNTIME" in environ

    def remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Return None, unless the guess was wrong and the arguments carry a deadline after all."""
        return remaining_of(args, kwargs)


PLATFORM = Azure()
