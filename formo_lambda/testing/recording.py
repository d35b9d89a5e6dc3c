"""Keep and answer the requests of a client in memory, without a network."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from formo_lambda.testing.contract import judge
from formo_lambda.transport.protocol import Response

_NO_HEADERS: Mapping[str, str] = {}


class Answer(NamedTuple):
    """One answer of an `Inbox`.

    With a 2xx status, the well-formed events of the request are accepted, even where `error` prevents the answer:
    `Answer(200, error=ConnectionResetError())` is a lost acknowledgement.
    """

    #: The HTTP status.
    status: int = 200
    #: The body; None for the one that Formo sends with that status.
    body: bytes | None = None
    #: Headers beside Content-Type and Content-Length.
    headers: Mapping[str, str] = _NO_HEADERS
    #: Seconds to wait before answering.
    delay: float = 0.0
    #: In place of an answer: a `RecordingTransport` raises it, a `LocalCollector` closes the connection.
    error: Exception | None = None


class ReceivedRequest(NamedTuple):
    """One request as it arrived, and how it was answered."""

    #: `time.monotonic()` when the whole body had arrived.
    arrived: float
    #: The body as sent.
    body: bytes
    #: The headers, by lower-case name.
    headers: Mapping[str, str]
    #: Every event of the body, well-formed or not.
    events: list[dict[str, Any]]
    #: What breaks Formo's contract, in words; empty for a good request.
    problems: list[str]
    #: The number of the connection it arrived on, from 1; 0 for a `RecordingTransport`.
    connection: int = 0
    #: The seconds its sender allowed for it; None for a `LocalCollector`, which cannot know.
    timeout: float | None = None
    #: The status of the answer; 0 where there was none and nothing was accepted.
    status: int = 0
    #: The accepted events: the well-formed ones of a request that was answered with 2xx.
    accepted: tuple[dict[str, Any], ...] = ()


#: A status; an answer; an exception, which means that nothing is accepted (see `Answer.error`); or a function of the
#: request that returns one of these, or None for Formo's own answer.
Scripted: TypeAlias = int | Answer | Exception | Callable[[ReceivedRequest], int | Answer | Exception | None]


class Inbox:
    """The requests that were received in place of Formo, and the answers to them.

    Args:
        write_key: The only key to accept; None accepts any.
        delay: Seconds to wait before each answer, unless an `Answer` says otherwise.
    """

    #: The only key that is accepted, or None.
    write_key: str | None
    #: Seconds to wait before each answer; may be changed at any time.
    delay: float

    def __init__(self, *, write_key: str | None = None, delay: float = 0.0) -> None:
        self.write_key = write_key
        self.delay = delay
        self._changed = threading.Condition()
        self._requests: list[ReceivedRequest] = []
        self._answers: deque[Scripted] = deque()
        self._last_answer: Scripted | None = None

    @property
    def requests(self) -> list[ReceivedRequest]:
        """Every request so far, including refused ones."""
        with self._changed:
            return list(self._requests)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every accepted event in the order of arrival, including duplicates."""
        return [event for request in self.requests for event in request.accepted]

    @property
    def unique_events(self) -> list[dict[str, Any]]:
        """The accepted events without duplicates, by `message_id`, as Formo's tables show them."""
        unique: dict[str, dict[str, Any]] = {}
        for event in self.events:
            unique.setdefault(event["message_id"], event)
        return list(unique.values())

    @property
    def problems(self) -> list[str]:
        """Everything in any request that breaks Formo's contract; `[]` is what a test should see."""
        return [
            f"request {number}: {problem}"
            for number, request in enumerate(self.requests)
            for problem in request.problems
        ]

    def arrived_at(self, message_id: str) -> float:
        """Return when an event was first accepted, as `time.monotonic()`.

        Raises:
            LookupError: No event with that id was accepted.
        """
        for request in self.requests:
            if any(event["message_id"] == message_id for event in request.accepted):
                return request.arrived
        raise LookupError(f"no event with message_id {message_id!r} was accepted")

    def wait_for(self, count: int, timeout: float = 5.0) -> list[dict[str, Any]]:
        """Wait until `count` different events are accepted, then return all of them.

        Raises:
            TimeoutError: There were fewer after `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.unique_events) >= count, timeout):
                raise TimeoutError(f"{len(self.unique_events)} of {count} events arrived within {timeout} s")
            return self.unique_events

    def respond_with(self, *answers: Scripted, forever: bool = False) -> None:
        """Answer the next requests with these, one each; after them, answer as Formo does.

        Args:
            answers: Statuses, answers, exceptions, or functions of the request that return one of these (or None, for
                Formo's own answer). They replace those of an earlier call.
            forever: Repeat the last one, instead of answering as Formo does.
        """
        with self._changed:
            self._answers = deque(answers)
            self._last_answer = answers[-1] if forever and answers else None

    def clear(self) -> None:
        """Forget the requests so far, but not the answers to come."""
        with self._changed:
            self._requests.clear()

    def receive(
        self, body: bytes, headers: Mapping[str, str], *, connection: int = 0, timeout: float | None = None
    ) -> Answer:
        """Check and keep one request, and return the answer with its body: called by a receiver."""
        arrived = time.monotonic()
        headers = {name.lower(): value for name, value in headers.items()}
        verdict = judge(body, headers, self.write_key)
        request = ReceivedRequest(arrived, body, headers, verdict.events, verdict.problems, connection, timeout)
        with self._changed:
            answer = self._scripted(request) or Answer(verdict.status, delay=self.delay)
            accepted = tuple(verdict.accepted) if 200 <= answer.status < 300 else ()
            self._requests.append(request._replace(status=answer.status, accepted=accepted))
            self._changed.notify_all()
        if answer.body is not None:
            return answer
        document = verdict.answer if verdict.status == answer.status else {"error": f"Answered with {answer.status}"}
        return answer._replace(body=json.dumps(document).encode())

    def _scripted(self, request: ReceivedRequest) -> Answer | None:
        scripted = self._answers.popleft() if self._answers else self._last_answer
        if callable(scripted) and not isinstance(scripted, Exception):
            scripted = scripted(request)
        if isinstance(scripted, Exception):
            return Answer(status=0, error=scripted)
        return Answer(scripted) if isinstance(scripted, int) else scripted


class RecordingTransport(Inbox):
    """Keeps every request in memory, and answers as Formo does, or as `respond_with` says.

    Give it to a client as `FormoAnalytics(transport=RecordingTransport())`; no socket is opened.
    """

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Receive one request, as any transport does.

        Raises:
            TimeoutError: The answer's delay is longer than `timeout`; raised after `timeout` seconds.
            Exception: The one given to `respond_with`.
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
