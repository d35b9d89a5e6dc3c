"""A transport that sends nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping

from formo_lambda.testing.inbox import Inbox
from formo_lambda.transport.protocol import Response


class RecordingTransport(Inbox):
    """Keeps every request in memory and answers as Formo would, or as it is told to.

    Give it to a client as `FormoAnalytics(transport=RecordingTransport())`; no socket is opened.
    """

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Take one request, as a client's transport does.

        Raises:
            TimeoutError: The answer's delay is longer than `timeout`; raised after `timeout` seconds.
            Exception: The one that `respond_with` asked for.
        """
        answer = self.receive(body, headers, timeout=timeout)
        delay = answer.delay
        if delay > timeout:
            time.sleep(max(timeout, 0.0))
            raise TimeoutError(f"no answer within {timeout} s")
        if delay > 0.0:
            time.sleep(delay)
        if answer.error is not None:
            raise answer.error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status, {"content-type": "application/json", **headers}, answer.body or b"")
