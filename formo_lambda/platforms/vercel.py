"""Vercel: its runtime has the deadline of the running request, and its environment resembles AWS Lambda's."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from formo_lambda.platforms.platform import Platform, remaining_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Vercel(Platform):
    """Vercel Functions."""

    name = "Vercel"
    serverless = True
    # 500 ms pass between SIGTERM and SIGKILL.
    exit_budget = 0.3

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Return whether the environment is this platform's."""
        return bool(environ.get("VERCEL"))

    def remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Return the seconds left by Vercel's runtime, or by a Lambda context among the arguments."""
        # Vercel's server has imported its runtime before it calls a handler. Without it there is no deadline.
        ask: Callable[[], Any] | None = getattr(sys.modules.get("vercel_runtime"), "get_deadline", None)
        deadline = ask() if callable(ask) else None
        if deadline is not None:
            return max(0.0, float(deadline.timestamp()) - time.time())
        return remaining_of(args, kwargs)


PLATFORM = Vercel()
