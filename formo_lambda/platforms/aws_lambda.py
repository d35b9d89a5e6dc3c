"""AWS Lambda: the context has the deadline, and SIGKILL follows SIGTERM within half a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formo_lambda.platforms.platform import Platform, remaining_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The keys under which adapters put the context into a WSGI environ or ASGI scope: Mangum, serverless-wsgi, apig-wsgi.
_CONTEXTS = ("aws.context", "serverless.context", "apig_wsgi.context")


class AwsLambda(Platform):
    """AWS Lambda and its emulators."""

    name = "AWS Lambda"
    serverless = True
    # With a registered extension, 500 ms pass between SIGTERM and SIGKILL; without one there is no SIGTERM.
    exit_budget = 0.3

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Return whether the environment is this platform's."""
        return "AWS_LAMBDA_FUNCTION_NAME" in environ

    def remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Return the seconds left by the Lambda context, an argument or in an adapter's environ or scope."""
        found = remaining_of(args, kwargs)
        if found is None and len(args) == 1 and isinstance(args[0], dict):
            found = remaining_of([args[0][name] for name in _CONTEXTS if name in args[0]], {})
        return found


PLATFORM = AwsLambda()
