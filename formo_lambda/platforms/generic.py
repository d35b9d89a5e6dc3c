"""Everywhere else: no deadline but the one that a handler's arguments may carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formo_lambda.constants import EXIT_BUDGET
from formo_lambda.platforms.platform import remaining_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Generic:
    """Any other place."""

    name = "generic"
    serverless = False
    exit_budget = EXIT_BUDGET

    def matches(self, environ: Mapping[str, str]) -> bool:  # noqa: ARG002 -- the protocol's signature
        """Whether the environment is this platform's: always."""
        return True

    def remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Return the seconds left by a context among the arguments, if there is one."""
        return remaining_of(args, kwargs)


PLATFORM = Generic()
