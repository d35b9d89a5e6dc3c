"""Send one request: attempts under the retry policy, and smaller requests where the server will not take it whole."""

from __future__ import annotations

import json
import sys
import time
from operator import index
from typing import TYPE_CHECKING

from formo_lambda.clock import monotonic
from formo_lambda.constants import BACKGROUND_WAIT, LARGE_BODY, LIBRARY_NAME, MAX_ISOLATION_REQUESTS, VERSION
from formo_lambda.delivery import batch
from formo_lambda.delivery.retry import (
    TransientFailure,
    Verdict,
    as_transient,
    is_reset,
    refusal,
    retry_after,
    retrying,
    verdict,
)
from formo_lambda.delivery.tally import Outcome
from formo_lambda.signals import raised_by_signal_handler
from formo_lambda.transport.protocol import Response, TransportError, clear_locals

if TYPE_CHECKING:
    from formo_lambda.delivery.deadline import Deadline
    from formo_lambda.delivery.places import Request
    from formo_lambda.options import WriteKey
    from formo_lambda.transport.protocol import Transport

_USER_AGENT = f"{LIBRARY_NAME.replace(' ', '-')}/{VERSION}"
#: What a server means that resets the connection each time when so large a body comes.
_TOO_LARGE = Response(413)


class Sender:
    """Sends requests over one transport. It keeps nothing between two of them, so many threads may share it.

    Args:
        transport: Sends one body.
        write_key: Goes into the Authorization header and nowhere else.
        request_timeout: The most seconds one attempt takes.
        retry_count: Further attempts after the first.
        foreign: Whether the transport is a user's own: then whatever it raises is a failure of it. What ours raises
            beside TransportError was raised into the thread from outside, and passes.
    """

    def __init__(
        self, transport: Transport, write_key: WriteKey, *, request_timeout: float, retry_count: int, foreign: bool
    ) -> None:
        self._transport = transport
        # A user's transport runs on the caller's thread where no worker can be started: its sys.exit() ends no process.
        self._failures = (Exception, SystemExit) if foreign else (TransportError,)
        self._write_key = write_key
        self._request_timeout = request_timeout
        self._retry_count = retry_count

    def send(self, request: Request) -> TransientFailure | None:
        """Send a request, as several where the server refuses it whole, and settle its events from the first one on.

        Returns:
            The failure that ended it, or None. Events that are not settled have met that failure.
        """
        parts = request.events()
        # Each with the requests that may still be spent on finding its bad events.
        left = [(parts, [MAX_ISOLATION_REQUESTS])]
        try:
            while left:
                parts, allowance = left.pop(0)
                events = [event for part in parts for event in part]
                response = self._request(events, request)
                judged = verdict(response)
                if judged is Verdict.MALFORMED and len(parts) > 1:
                    # None is to pay for another's bad events.
                    left[:0] = [([part], [MAX_ISOLATION_REQUESTS]) for part in parts]
                elif judged is Verdict.TOO_LARGE and len(parts) > 1:
                    left[:0] = [(parts[: len(parts) // 2], allowance), (parts[len(parts) // 2 :], allowance)]
                elif len(events) > 1 and _is_divisible(judged, allowance, request.deadline):
                    middle = len(events) // 2
                    left[:0] = [([events[:middle]], allowance), ([events[middle:]], allowance)]
                elif judged is Verdict.ACCEPTED:
                    request.settle(len(events), Outcome(quarantined=_quarantined(response.body, len(events))))
                else:
                    request.settle(len(events), Outcome(refusal(response.status), response.status))
        except TransientFailure as failure:
            return failure
        return None

    def _request(self, events: list[bytes], request: Request) -> Response:
        """Make attempts until one is answered, as the policy says, or the body turns out to be too large."""
        retry_count = 0 if request.probe else self._retry_count
        try:
            return self._attempt(events, request)
        except TransientFailure as failure:
            if failure.oversize and retry_count == 0:
                return _TOO_LARGE
            failures = [failure]

        def attempt() -> Response:
            # The policy is asked from the first failure on: where nothing fails, it costs more than the request.
            if len(failures) == 1:
                failures.append(failures[0])
                raise failures[0]
            try:
                return self._attempt(events, request)
            except TransientFailure as failure:
                # An attempt that was cut short says nothing, but the one before it did.
                failures.append(failure)
                failure.tried = any(earlier.tried for earlier in failures)
                if sum(each.oversize for each in failures[1:]) == 2:
                    return _TOO_LARGE
                raise

        longest_wait = BACKGROUND_WAIT if request.background else float("inf")
        return retrying(retry_count, request.deadline, time.sleep, longest_wait)(attempt)

    def _attempt(self, events: list[bytes], request: Request, *, misdirected: bool = False) -> Response:
        """Make one attempt.

        Args:
            events: The events.
            request: What they belong to.
            misdirected: Whether the one before it came to a server that does not answer for the host.

        Raises:
            TransientFailure: There was no answer, or one that may be better next time.
        """
        timeout = min(self._request_timeout, request.deadline.remaining())
        if timeout <= 0:
            raise TransientFailure("out of time", retry=False, tried=False)
        body = batch.join(events, time.time())
        started = monotonic()
        handled = sys.exc_info()[1]
        try:
            # What is no answer raises here, where it is a failure.
            response = _checked(self._transport.send(body, self._headers(), timeout))
        except BaseException as error:
            clear_locals(error, handled)  # the write key is among them
            if not isinstance(error, self._failures) or raised_by_signal_handler(error, handled):
                raise
            request.attempted(error.requests if isinstance(error, TransportError) else 1)
            failure = as_transient(error)
            large = len(events) > 1 and len(body) > LARGE_BODY
            failure.oversize = large and is_reset(error, handled) and request.deadline.remaining() > 0
            # A server that was given a moment only is not to blame for its silence.
            if request.deadline.remaining() <= 0 and timeout < self._request_timeout:
                failure.tried = monotonic() - started >= request.deadline.fair()
            raise failure from error
        request.attempted(response.requests)
        if verdict(response) is Verdict.TRANSIENT:
            raise TransientFailure(
                f"the server answered HTTP {response.status}", status=response.status, pause=retry_after(response)
            )
        if response.status == 421 and not misdirected:
            # Another connection may lead to the right one (RFC 9110, section 15.5.20).
            return self._attempt(events, request, misdirected=True)
        request.answered()
        return response

    def _headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._write_key.reveal()}",
            "User-Agent": _USER_AGENT,
        }


def _checked(answer: Response) -> Response:
    """Return the answer of a transport, of which a user's own may give anything, as plain values.

    Raises:
        Exception: It is no answer.
    """
    headers, body = answer.headers, answer.body
    # `dict` and `bytes` would also take iterators, which are not ours to consume.
    if not hasattr(headers, "keys"):
        raise TypeError("headers must be a mapping")
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise TypeError("body must be bytes")
    fields = {str(name).lower(): str(value) for name, value in dict(headers).items()}
    return Response(index(answer.status), fields, bytes(body), index(answer.requests))


def _is_divisible(judged: Verdict, allowance: list[int], deadline: Deadline) -> bool:
    """Whether events are to be sent as two requests instead of one."""
    if judged is Verdict.MALFORMED:
        # Both halves must be affordable, and in time: what cannot be isolated is given up as it is.
        allowance[0] -= 2
        return allowance[0] >= 0 and deadline.remaining() > 0
    return judged is Verdict.TOO_LARGE


def _quarantined(answer: bytes, count: int) -> int:
    """Return how many rows the server set aside, by an answer that may be empty, odd or cut short."""
    if b"quarantined_rows" not in answer:
        return 0
    try:
        rows = json.loads(answer)["quarantined_rows"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0
    return min(rows, count) if isinstance(rows, int) and not isinstance(rows, bool) and rows > 0 else 0
