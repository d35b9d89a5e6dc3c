"""What `FORMO_DEBUG=1` writes to standard error: each event and each request, and never what is in them."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from formo_lambda.clock import monotonic
from formo_lambda.transport.protocol import Response, Transport, TransportError

#: Apart from the package's own logger, so that it needs no configuration and changes none.
logger = logging.getLogger("formo_lambda.debug")


def enable() -> None:
    """Write what is logged here to standard error."""
    if logger.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s formo_lambda: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False


class LoggedTransport:
    """Logs each request of another transport.

    Args:
        transport: Sends the requests.
        url: Where to.
    """

    def __init__(self, transport: Transport, url: str) -> None:
        self._transport = transport
        self._url = url

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Send one request as the other transport does, and log how it went."""
        began = monotonic()
        outcome = "interrupted"
        try:
            answer = self._transport.send(body, headers, timeout)
            outcome = f"HTTP {answer.status}" if isinstance(answer, Response) else "no valid answer"
        except Exception as error:
            # What a user's own transport says may quote anything.
            outcome = error.reason if isinstance(error, TransportError) else type(error).__name__
            raise
        finally:
            logger.debug("POST %s, %d bytes: %s in %.3f s", self._url, len(body), outcome, monotonic() - began)
        return answer
