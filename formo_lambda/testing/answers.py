"""The answers a test asks for, in the order it asks for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from formo_lambda.testing.request import ReceivedRequest

_NO_HEADERS: Mapping[str, str] = {}


class Answer(NamedTuple):
    """One answer of an `Inbox`.

    Every 2xx status means that the well-formed events of the request were taken, also when `error` keeps the answer
    from arriving: `Answer(200, error=ConnectionResetError())` is a lost acknowledgement.
    """

    #: The HTTP status.
    status: int = 200
    #: The body; None for the one Formo would send with that status.
    body: bytes | None = None
    #: Headers beside Content-Type and Content-Length.
    headers: Mapping[str, str] = _NO_HEADERS
    #: Seconds to wait before answering.
    delay: float = 0.0
    #: Instead of an answer: a `RecordingTransport` raises it, a `LocalCollector` hangs up.
    error: Exception | None = None


#: A status, an answer, an exception (nothing was taken, see `Answer.error`), or a function of the request that
#: returns one of these, or None to answer as Formo would.
Scripted: TypeAlias = int | Answer | Exception | Callable[[ReceivedRequest], int | Answer | Exception | None]


class Script:
    """A queue of scripted answers, one for each request."""

    def __init__(self) -> None:
        self._coming: deque[Scripted] = deque()
        self._always: Scripted | None = None

    def replace(self, answers: tuple[Scripted, ...], *, forever: bool) -> None:
        """Forget what was asked for before; `forever` repeats the last of the answers."""
        self._always = answers[-1] if forever and answers else None
        self._coming = deque(answers)

    def take(self, request: ReceivedRequest) -> Answer | None:
        """Give the answer to this request, or None where Formo's own is wanted."""
        scripted = self._coming.popleft() if self._coming else self._always
        if callable(scripted) and not isinstance(scripted, Exception):
            scripted = scripted(request)
        if isinstance(scripted, Exception):
            return Answer(status=0, error=scripted)
        if isinstance(scripted, int):
            return Answer(scripted)
        return scripted
