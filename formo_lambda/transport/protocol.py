"""What sends a request: one method, which users can implement, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from types import FrameType


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
        reached_at: When it last answered, or let a connection be opened, in seconds of the wall clock, because a freeze
            counts; 0 if it did not.
    """

    reached_at: float = 0.0


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header field by its lower-case name, whatever case the transport kept."""
    value = headers.get(name)
    if value is None:
        value = next((v for k, v in headers.items() if k.lower() == name), None)
    return value


#: The packages whose exceptions, beside Python's own, tell of a network that fails, or of a fault of ours.
_OURS = frozenset({"builtins", "formo_lambda", "http", "idna", "socket", "ssl", "urllib3"})


def causes(error: BaseException | None, handled: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception, and what it was caused by.

    Args:
        error: The exception.
        handled: What the thread handled already when the call that raised it began: that is the host's business.
    """
    seen = {id(handled)}
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def is_from_outside(error: BaseException, handled: BaseException | None) -> bool:
    """Whether an exception was raised into the thread while ours ran: by a signal handler, or by a framework."""
    return type(error).__module__.partition(".")[0] not in _OURS or raised_by_signal_handler(error, handled)


def raised_by_signal_handler(error: BaseException, handled: BaseException | None) -> bool:
    """Whether a handler of a signal raised an exception, or what it was caused by: then it is none of a transport's.

    Such a handler is given the very frame that it interrupts; no other function is given the frame that it runs on.
    """
    for cause in causes(error, handled):
        step = cause.__traceback__
        while step is not None and step.tb_next is not None:
            if _is_given(step.tb_next.tb_frame, step.tb_frame):
                return True
            step = step.tb_next
    return False


def _is_given(frame: FrameType, caller: FrameType) -> bool:
    """Whether the frame of its caller is among the arguments of a call."""
    code = frame.f_code
    several = bool(code.co_flags & 0x04)  # inspect.CO_VARARGS: *args
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + several]
    values = [frame.f_locals.get(name) for name in names]
    return any(value is caller or (type(value) is tuple and any(each is caller for each in value)) for value in values)
