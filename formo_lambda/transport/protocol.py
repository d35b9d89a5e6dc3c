"""What sends a request: one method, which users can implement, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol, runtime_checkable

from formo_lambda.clock import NEVER, Moment
from formo_lambda.signals import causes, is_given, raised_by_signal_handler


class Response(NamedTuple):
    """The answer to one request.

    Attributes:
        status: The HTTP status.
        headers: The header fields; names in lower case.
        body: What was read of the body, at most 64 KB; its first bytes, or none, where reading it failed.
        requests: How many requests it took: two where a used connection turned out dead.
    """

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""
    requests: int = 1


class TransportError(Exception):
    """A request got no answer.

    Args:
        reason: What happened, in a few words, without the URL's credentials or a payload.
        retry: Whether another attempt in the same flush may do better.
        requests: How many requests were made.
    """

    def __init__(self, reason: str, *, retry: bool = True, requests: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry
        self.requests = requests


@runtime_checkable
class Transport(Protocol):
    """**Protocol:** sends one body; several threads may call it at once."""

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Send one request and return the answer, whatever its status.

        Args:
            body: The JSON array of events.
            headers: The header fields, with the write key.
            timeout: Seconds by which it must have returned or raised.

        Raises:
            Exception: There was no answer. TransportError says more than others; all mean the same.
        """
        ...


class Endpoint:
    """What the process knows of where requests go.

    Attributes:
        reached_at: When it last answered, or let a connection be opened.
    """

    reached_at: Moment = NEVER


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header field by its lower-case name, whatever case the transport kept."""
    value = headers.get(name)
    if value is None:
        value = next((v for k, v in headers.items() if k.lower() == name), None)
    return value


#: The packages whose exceptions, beside Python's own, tell of a network that fails, or of a fault of ours.
_OURS = frozenset({"builtins", "formo_lambda", "http", "idna", "socket", "ssl", "urllib3"})


def is_from_outside(error: BaseException, handled: BaseException | None) -> bool:
    """Whether an exception was raised into the thread while ours ran: by a signal handler, or by a framework."""
    return type(error).__module__.partition(".")[0] not in _OURS or raised_by_signal_handler(error, handled)


def clear_locals(error: BaseException, handled: BaseException | None) -> None:
    """Empty the frames that an exception has left, down to that of a signal handler: reporters show what is in them.

    Args:
        error: The exception.
        handled: What the thread handled already.
    """
    for cause in causes(error, handled):
        step = cause.__traceback__
        while step is not None:
            frame, step = step.tb_frame, step.tb_next
            by_signal = step is not None and is_given(step.tb_frame, frame)
            if str(frame.f_globals.get("__name__")).partition(".")[0] in _OURS:
                try:
                    frame.clear()
                except RuntimeError:  # it is still running
                    pass
            if by_signal:
                break
