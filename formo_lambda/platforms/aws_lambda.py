"""AWS Lambda: the deadline is in the context, and SIGTERM leaves half a second at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formo_lambda.platforms.platform import remaining_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Where the adapters for web applications put the context: Mangum, serverless-wsgi, apig-wsgi.
_CONTEXTS = ("aws.context", "serverless.context", "apig_wsgi.context")


class AwsLambda:
    """AWS Lambda and what imitates it."""

    name = "AWS Lambda"
    serverless = True
    # With an extension registered the runtime gets 500 ms between SIGTERM and SIGKILL; without one, none.
    exit_budget = 0.3

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Whether the environment is this platform's."""
        return "AWS_LAMBDA_FUNCTION_NAME" in environ

    def remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Return the seconds left by the Lambda context."""
        found = remaining_of(args, kwargs)
        if found is None and len(args) == 1 and isinstance(args[0], dict):
            found = remaining_of([args[0][name] for name in _CONTEXTS if name in args[0]], {})
        return found


PLATFORM = AwsLambda()
