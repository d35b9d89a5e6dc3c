"""What the package asks of a platform."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from formo_lambda.signals import raised_by_signal_handler


class Platform(Protocol):
    """**Protocol:** where the handler runs. A subclass inherits `remaining`.

    Attributes:
        name: The platform's name in log lines.
        serverless: Whether it may freeze or end a process whose functions have returned.
        exit_budget: Seconds between SIGTERM and SIGKILL that may be spent on delivery.
    """

    name: str
    serverless: bool
    exit_budget: float

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Return whether the environment is this platform's."""
        ...

    def remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Return the seconds until the invocation is ended, or None where the platform does not say.

        Unless a platform says otherwise: the time left by a Lambda context among the arguments, which emulators, tests
        and wrappers pass on any platform.

        Args:
            args: The handler's positional arguments.
            kwargs: Its keyword arguments.
        """
        return remaining_of(args, kwargs)


def remaining_of(args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
    """Return the seconds left by the Lambda context among a handler's arguments, or None where there is none.

    The context is recognised by its method, since imitations have other classes, and by any position or name.
    """
    handled = sys.exc_info()[1]
    for argument in (*args, *kwargs.values()):
        try:
            ask = getattr(argument, "get_remaining_time_in_millis", None)
            left = ask() if callable(ask) else None
        except Exception as error:  # such as a proxy used outside its request
            if raised_by_signal_handler(error, handled):
                raise
            continue
        if isinstance(left, (int, float)):  # a mock's method returns another mock
            return max(0.0, left / 1000.0)
    return None
