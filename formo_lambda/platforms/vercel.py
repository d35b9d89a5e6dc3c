"""Vercel: its runtime knows the deadline of the running request, and the environment resembles AWS Lambda's."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from formo_lambda.platforms.platform import remaining_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Vercel:
    """Vercel Functions."""

    name = "Vercel"
    serverless = True
    # An instance gets 500 ms between SIGTERM and SIGKILL.
    exit_budget = 0.3

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Whether the environment is this platform's."""
        return bool(environ.get("VERCEL"))

    def remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Return the seconds left by the runtime, or by a context among the arguments."""
        # Where its server runs the function, the runtime is loaded; where it is not, there is nothing to ask.
        ask: Callable[[], Any] | None = getattr(sys.modules.get("vercel_runtime"), "get_deadline", None)
        deadline = ask() if callable(ask) else None
        if deadline is not None:
            return max(0.0, float(deadline.timestamp()) - time.time())
        return remaining_of(args, kwargs)


PLATFORM = Vercel()
