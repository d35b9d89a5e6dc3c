"""Deliver one batch: attempts under the policy, splits where the server will not take it whole."""

from __future__ import annotations

import json
import time
from operator import index
from typing import TYPE_CHECKING, NamedTuple

from formo_lambda.delivery import body
from formo_lambda.delivery.policy import (
    PassingFailure,
    Verdict,
    as_passing_failure,
    refusal,
    retry_after,
    retrying,
    verdict,
)
from formo_lambda.delivery.transport import Response, Transport, TransportError
from formo_lambda.errors import DeliveryError
from formo_lambda.options import LIBRARY_NAME, MAX_ISOLATION_REQUESTS, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import Retrying

    from formo_lambda.invocation import Deadline
    from formo_lambda.options import WriteKey


class Refused(NamedTuple):
    """Events that the server will never take.

    Attributes:
        events: The events.
        error: Why.
    """

    events: list[bytes]
    error: DeliveryError


class Outcome(NamedTuple):
    """What became of one batch.

    Attributes:
        sent: Events answered with 2xx.
        quarantined: How many of those the server set aside.
        kept: Events whose failure may pass.
        refused: Events given up, with their reasons.
        failure: The failure of the passing kind that ended it, if one did.
        requests: Attempts made on the wire.
        reached: Whether the server gave any answer at all.
    """

    sent: int
    quarantined: int
    kept: list[bytes]
    refused: list[Refused]
    failure: PassingFailure | None
    requests: int
    reached: bool


class Courier:
    """Delivers batches over one transport; holds nothing between two of them, so any number of senders may share it.

    Args:
        transport: Sends one body.
        write_key: Goes into the Authorization header and nowhere else.
        request_timeout: The most seconds one attempt takes.
        retry_count: Further attempts after the first.
    """

    def __init__(self, transport: Transport, write_key: WriteKey, *, request_timeout: float, retry_count: int) -> None:
        self._transport = transport
        self._write_key = write_key
        self._request_timeout = request_timeout
        self._retry_count = retry_count

    def deliver(
        self,
        events: list[bytes],
        deadline: Deadline,
        sleep: Callable[[float], None],
        *,
        single_attempt: bool = False,
        longest_nap: float = float("inf"),
    ) -> Outcome:
        """Bring one batch to the server and say what became of each event. It does not raise.

        Args:
            events: The events of the batch.
            deadline: The moment by which it must have its outcome.
            sleep: Called with the seconds to wait between attempts.
            single_attempt: Whether a failure is final for now, as in a probe.
            longest_nap: The most seconds to wait between two attempts.
        """
        retry_count = 0 if single_attempt else self._retry_count

        def policy() -> Retrying:
            return retrying(retry_count, deadline, sleep, longest_nap)

        return _Delivery(self, deadline, policy).run(events)

    def attempt(self, events: list[bytes], deadline: Deadline) -> Response:
        """Make one attempt.

        Raises:
            PassingFailure: There was no answer, or one that may be better next time.
        """
        timeout = min(self._request_timeout, deadline.remaining())
        if timeout <= 0:
            raise PassingFailure("out of time", retry=False)
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._write_key.reveal()}",
            "User-Agent": f"{LIBRARY_NAME.replace(' ', '-')}/{VERSION}",
        }
        answer = self._transport.send(body.join(events, time.time()), headers, timeout)
        # A user's own transport may answer with anything: what is no answer raises here, where it is a failure.
        return Response(index(answer.status), dict(answer.headers), bytes(answer.body), index(answer.requests))


class _Delivery:
    """The delivery of one batch, with its tallies."""

    def __init__(self, courier: Courier, deadline: Deadline, policy: Callable[[], Retrying]) -> None:
        self._courier = courier
        self._deadline = deadline
        self._policy = policy
        self._sent = 0
        self._quarantined = 0
        self._requests = 0
        self._reached = False
        self._isolating = MAX_ISOLATION_REQUESTS
        self._refused: list[Refused] = []

    def run(self, events: list[bytes]) -> Outcome:
        parts = [events]
        failure: PassingFailure | None = None
        try:
            while parts:
                response = self._request(parts[0])
                parts[:1] = self._settle(parts[0], response)
        except PassingFailure as passing:
            failure = passing
        kept = [event for part in parts for event in part]
        return Outcome(self._sent, self._quarantined, kept, self._refused, failure, self._requests, self._reached)

    def _request(self, events: list[bytes]) -> Response:
        """Make attempts until one is answered, as the policy says."""
        try:
            return self._attempt(events)
        except PassingFailure as failure:
            first = [failure]

        def attempt() -> Response:
            # The policy is asked from the first failure on: where nothing fails, it costs two thirds of a delivery.
            if first:
                raise first.pop()
            return self._attempt(events)

        return self._policy()(attempt)

    def _attempt(self, events: list[bytes]) -> Response:
        try:
            response = self._courier.attempt(events, self._deadline)
        except PassingFailure:
            raise
        except Exception as error:
            self._requests += error.requests if isinstance(error, TransportError) else 1
            raise as_passing_failure(error) from error
        self._requests += response.requests
        self._reached = True
        if verdict(response.status) is Verdict.TRANSIENT:
            raise PassingFailure(
                f"the server answered HTTP {response.status}", status=response.status, pause=retry_after(response)
            )
        return response

    def _settle(self, events: list[bytes], response: Response) -> list[list[bytes]]:
        """Book what an answer says of its events; return the parts that are to be sent instead of them."""
        judged = verdict(response.status)
        if judged is Verdict.ACCEPTED:
            self._sent += len(events)
            self._quarantined += _quarantined(response.body, len(events))
            return []
        divisible = judged in (Verdict.TOO_LARGE, Verdict.MALFORMED) and len(events) > 1
        if divisible and judged is Verdict.MALFORMED:
            # Both halves must be affordable, and in time: what cannot be isolated is given up as it is.
            divisible = self._isolating >= 2 and self._deadline.remaining() > 0
            self._isolating -= 2
        if divisible:
            middle = len(events) // 2
            return [events[:middle], events[middle:]]
        error = DeliveryError(refusal(response.status), count=len(events), status=response.status)
        self._refused.append(Refused(events, error))
        return []


def _quarantined(answer: bytes, count: int) -> int:
    """Return how many rows the server set aside, by an answer that may be empty, odd or cut short."""
    try:
        rows = json.loads(answer)["quarantined_rows"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0
    return min(rows, count) if isinstance(rows, int) and not isinstance(rows, bool) and rows > 0 else 0
