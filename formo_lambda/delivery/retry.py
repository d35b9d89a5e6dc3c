"""What an answer means, and when a request is tried again: pure rules, run by tenacity."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from enum import Enum
from random import SystemRandom
from typing import TYPE_CHECKING

from tenacity import RetryCallState, Retrying, retry_if_exception

from formo_lambda.constants import BACKOFF_BASE, BACKOFF_MAX
from formo_lambda.signals import causes
from formo_lambda.transport.protocol import Response, TransportError, header

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.delivery.deadline import Deadline

# The module's own generator is cloned with a snapshot: every restored process would draw the same jitter.
_random = SystemRandom()


class Verdict(Enum):
    """What is to be done with the events of a request."""

    ACCEPTED = "accepted"
    TRANSIENT = "transient"
    TOO_LARGE = "too large"
    MALFORMED = "malformed"
    REFUSED = "refused"


def verdict(response: Response) -> Verdict:
    """Return what an answer means for the events of the request."""
    status = response.status
    if 200 <= status < 300:
        return Verdict.REFUSED if _is_web_page(response) else Verdict.ACCEPTED
    if status in (408, 425, 429, 499) or 500 <= status < 600:
        return Verdict.TRANSIENT
    if status == 413:
        return Verdict.TOO_LARGE
    if status == 400:
        return Verdict.MALFORMED
    return Verdict.REFUSED


def refusal(status: int) -> str:
    """Say why an answer that accepts no events means that they will not be accepted."""
    if 200 <= status < 300:
        return f"the answer is a web page, not Formo's (HTTP {status}); is api_host right?"
    if 300 <= status < 400:
        return f"the server redirects (HTTP {status}), and redirects are not followed; is api_host right?"
    if status in (401, 403):
        return f"Formo rejected the write key (HTTP {status}); use the project's SDK write key, not a workspace API key"
    if status == 404:
        return "the server has no such endpoint (HTTP 404); is api_host right?"
    if status == 421:
        return "the server does not answer for this host (HTTP 421); is api_host right?"
    return f"the server refused the events (HTTP {status})"


def _is_web_page(response: Response) -> bool:
    """Whether an answer is HTML: that of a captive portal, or of a host that is not Formo's."""
    # A byte order mark may come first, and two bytes to a character.
    start = response.body.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n\f\v").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return True
    kind = (header(response.headers, "content-type") or "").partition(";")[0].strip().lower()
    if kind not in ("text/html", "application/xhtml+xml"):
        return False
    if not response.body:  # which may mean that it was not read
        return (header(response.headers, "content-length") or "").strip(" 0") != ""
    try:
        return start.decode().startswith("<")
    except UnicodeDecodeError:  # it is compressed
        return True


def retry_after(response: Response, now: Callable[[], float] = time.time) -> float | None:
    """Return the pause that an answer asks for, in seconds, or None.

    Args:
        response: The answer.
        now: The wall clock, for the form of the field that is a date (RFC 9110, section 10.2.3) where the answer does
            not say what time it is: this machine's clock may be wrong.
    """
    value = header(response.headers, "retry-after")
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:10])
    until = _date(value)
    if until is None:
        return None
    sent = _date(header(response.headers, "date"))
    return max(0.0, until - (now() if sent is None else sent))


def _date(value: str | None) -> float | None:
    """Return the seconds since the epoch of a field that is a date, or None."""
    try:
        return None if value is None else parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


class TransientFailure(Exception):
    """An attempt failed, and another may succeed.

    Args:
        reason: What happened, in a few words.
        status: The HTTP status, where there was an answer.
        pause: Seconds that the server asked for by Retry-After.
        retry: Whether another attempt in the same flush may succeed.
        tried: Whether it says something of the server: False where there was hardly any time to ask it.

    Attributes:
        oversize: Whether the size of the body may be why, and there is time for smaller ones.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        pause: float | None = None,
        retry: bool = True,
        tried: bool = True,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.pause = pause
        self.retry = retry
        self.tried = tried
        self.oversize = False


def retrying(
    retry_count: int, deadline: Deadline, sleep: Callable[[float], None], longest_nap: float = float("inf")
) -> Retrying:
    """Return the policy for one batch: full jitter, Retry-After as a minimum, nothing started that cannot finish.

    Args:
        retry_count: Further attempts after the first.
        deadline: The moment by which the batch must have its outcome.
        sleep: Called with the seconds to wait.
        longest_nap: The most seconds between two attempts; a longer wait ends the delivery instead.
    """

    def wait(state: RetryCallState) -> float:
        jittered = _random.uniform(0.0, min(BACKOFF_MAX, BACKOFF_BASE * 2.0**state.attempt_number))
        return max(jittered, _failure(state).pause or 0.0)

    def stop(state: RetryCallState) -> bool:
        # tenacity computes the wait before it asks whether to stop.
        return state.attempt_number > retry_count or state.upcoming_sleep >= min(deadline.remaining(), longest_nap)

    return Retrying(sleep=sleep, wait=wait, stop=stop, retry=retry_if_exception(_may_be_tried_again), reraise=True)


def _failure(state: RetryCallState) -> TransientFailure:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, TransientFailure) else TransientFailure("")


def _may_be_tried_again(error: BaseException) -> bool:
    return isinstance(error, TransientFailure) and error.retry


def as_transient(error: BaseException) -> TransientFailure:
    """Return what a transport raised as a transient failure: nobody knows that it is not."""
    if isinstance(error, TransportError):
        return TransientFailure(error.reason, retry=error.retry)
    return TransientFailure(f"the transport raised {type(error).__name__}")


def is_reset(error: BaseException, handled: BaseException | None) -> bool:
    """Whether a transport failed because its connection ended without an answer.

    Args:
        error: What it raised.
        handled: What the thread handled already.
    """
    # Those of TLS by their names: not every platform has the module, and they hide the error of the socket.
    return any(
        isinstance(cause, (ConnectionResetError, BrokenPipeError))
        or type(cause).__name__ in ("SSLEOFError", "SSLZeroReturnError")
        for cause in causes(error, handled)
    )
