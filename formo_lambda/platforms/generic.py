"""Any other place: it tells no deadline, and keeps its processes running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from formo_lambda.constants import EXIT_BUDGET
from formo_lambda.platforms.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping


class Generic(Platform):
    """Any other place."""

    name = "generic"
    serverless = False
    exit_budget = EXIT_BUDGET

    def matches(self, environ: Mapping[str, str]) -> bool:  # noqa: ARG002 -- the protocol's signature
        """Return True."""
        return True


PLATFORM = Generic()
