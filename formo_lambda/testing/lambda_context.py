"""An imitation of the context object that AWS Lambda gives to a handler."""

from __future__ import annotations

import sys
import uuid

from formo_lambda.clock import monotonic


class FakeLambdaContext:
    """The second argument of a Lambda handler, for tests.

    Args:
        remaining_ms: Milliseconds from now until the function's timeout; they run down as time passes.
        request_id: The id of the invocation; a new one by default.
        function_name: The name of the function.
    """

    def __init__(
        self, remaining_ms: float = 30_000, request_id: str | None = None, *, function_name: str = "test-function"
    ) -> None:
        self._ends = monotonic() + remaining_ms / 1000
        self.aws_request_id = request_id if request_id is not None else str(uuid.uuid4())
        self.function_name = function_name
        self.function_version = "$LATEST"
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function_name}"
        self.memory_limit_in_mb = "128"
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"
        self.client_context: object | None = None
        self.identity: object | None = None
        self.tenant_id: str | None = None

    def get_remaining_time_in_millis(self) -> int:
        """Return the time until the timeout in whole milliseconds, never below 0, as the real runtime does."""
        return max(0, int((self._ends - monotonic()) * 1000))

    def w3c(self) -> dict[str, str]:
        """Return the trace headers of the invocation: there are none."""
        return {}

    def log(self, message: object) -> None:
        """Print the message, as the real one does outside Lambda."""
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        return (
            f"FakeLambdaContext(remaining_ms={self.get_remaining_time_in_millis()}, request_id={self.aws_request_id!r})"
        )
