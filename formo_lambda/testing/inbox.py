"""The memory that both receivers share: what arrived, when, and what was answered."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from formo_lambda.testing.answers import Answer, Script, Scripted
from formo_lambda.testing.contract import judge
from formo_lambda.testing.request import ReceivedRequest


class Inbox:
    """What a stand-in for Formo's endpoint has received, and how it answers.

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
        self._script = Script()

    @property
    def requests(self) -> list[ReceivedRequest]:
        """Every request so far, also those that were refused."""
        with self._changed:
            return list(self._requests)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event that was taken, in the order of arrival, duplicates included."""
        return [event for request in self.requests for event in request.accepted]

    @property
    def unique_events(self) -> list[dict[str, Any]]:
        """The first of the taken events for each `message_id`: what Formo's tables show."""
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
        """Tell when an event was taken for the first time, as `time.monotonic()`.

        Raises:
            LookupError: No event with that id was taken.
        """
        for request in self.requests:
            if any(event["message_id"] == message_id for event in request.accepted):
                return request.arrived
        raise LookupError(f"no event {message_id!r} was taken")

    def wait_for(self, count: int, timeout: float = 5.0) -> list[dict[str, Any]]:
        """Wait until `count` different events were taken, then return all of them.

        Raises:
            TimeoutError: There were fewer after `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.unique_events) >= count, timeout):
                raise TimeoutError(f"{len(self.unique_events)} of {count} events arrived within {timeout} s")
            return self.unique_events

    def respond_with(self, *answers: Scripted, forever: bool = False) -> None:
        """Answer the next requests with these, one each, and after them as Formo would again.

        Args:
            answers: Statuses, answers, exceptions, or functions of the request that return one of these (or None, for
                Formo's own answer). None at all: forget what was asked for before.
            forever: Repeat the last one instead of going back to Formo's own.
        """
        with self._changed:
            self._script.replace(answers, forever=forever)

    def clear(self) -> None:
        """Forget the requests so far; scripted answers stay."""
        with self._changed:
            self._requests.clear()

    def receive(
        self, body: bytes, headers: Mapping[str, str], *, connection: int = 0, timeout: float | None = None
    ) -> Answer:
        """Judge one request, keep it, and give the answer, its body filled in: what a receiver calls."""
        arrived = time.monotonic()
        headers = {name.lower(): value for name, value in headers.items()}
        verdict = judge(body, headers, self.write_key)
        request = ReceivedRequest(arrived, body, headers, verdict.events, verdict.problems, connection, timeout)
        with self._changed:
            scripted = self._script.take(request)
            answer = scripted if scripted is not None else Answer(verdict.status, delay=self.delay)
            accepted = tuple(verdict.accepted) if 200 <= answer.status < 300 else ()
            self._requests.append(request._replace(status=answer.status, accepted=accepted))
            self._changed.notify_all()
        if answer.body is not None:
            return answer
        document = verdict.answer if verdict.status == answer.status else {"error": f"Answered with {answer.status}"}
        return answer._replace(body=json.dumps(document).encode())
