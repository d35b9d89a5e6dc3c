"""What a platform can say, and the rule for a deadline found among a handler's arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Platform(Protocol):
    """**Protocol:** where the handler runs.

    Attributes:
        name: How the platform is called in logs.
        serverless: Whether it may freeze or end a process whose functions have returned.
        exit_budget: Seconds between SIGTERM and SIGKILL that may be spent on delivery.
    """

    name: str
    serverless: bool
    exit_budget: float

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Whether the environment is this platform's."""

    def remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Return the seconds that the platform leaves the invocation, or None where it does not say.

        Args:
            args: The handler's positional arguments.
            kwargs: Its keyword arguments.
        """


def remaining_of(args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
    """Return the seconds left by the Lambda context among a handler's arguments, or None where there is none.

    Emulators, wrappers and tests pass look-alikes, by position or by name, so the method is what counts.
    """
    for argument in (*args, *kwargs.values()):
        try:
            ask = getattr(argument, "get_remaining_time_in_millis", None)
            left = ask() if callable(ask) else None
        except Exception:  # noqa: BLE001, S112 -- a proxy out of its context, say: another argument may know
            continue
        if isinstance(left, (int, float)):  # and no mock, which as a number is one
            return max(0.0, left / 1000.0)
    return None
