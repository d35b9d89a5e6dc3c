"""What answers mean, and when a batch is tried again."""

from __future__ import annotations

import codecs
import gzip
import math
import time
import zlib
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import RetryError

from formo_lambda.constants import BACKOFF_BASE, BACKOFF_MAX
from formo_lambda.delivery import retry
from formo_lambda.delivery.deadline import Deadline
from formo_lambda.delivery.retry import TransientFailure, Verdict
from formo_lambda.transport.protocol import Response, TransportError

NOW = 1_764_000_000.0


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([200, 201, 202, 204, 299], Verdict.ACCEPTED),
        ([408, 425, 429, 499, 500, 502, 503, 504, 529, 599], Verdict.TRANSIENT),
        ([413], Verdict.TOO_LARGE),
        ([400], Verdict.MALFORMED),
        ([100, 199, 301, 302, 304, 307, 308, 401, 402, 403, 404, 405, 410, 415, 421, 422, 600, 0, -1], Verdict.REFUSED),
    ],
)
def test_every_status_has_its_verdict(statuses: list[int], expected: Verdict) -> None:
    """Success, what may pass, what can be split, and all the rest, which will never be accepted."""
    assert {retry.verdict(Response(status)) for status in statuses} == {expected}


KEY = "use the project's SDK write key, not a workspace API key"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, f"Formo rejected the write key (HTTP 401); {KEY}"),
        (403, f"Formo rejected the write key (HTTP 403); {KEY}"),
        (301, "the server redirects (HTTP 301), and redirects are not followed; is api_host right?"),
        (308, "the server redirects (HTTP 308), and redirects are not followed; is api_host right?"),
        (404, "the server has no such endpoint (HTTP 404); is api_host right?"),
        (421, "the server does not answer for this host (HTTP 421); is api_host right?"),
        (200, "the answer is a web page, not Formo's (HTTP 200); is api_host right?"),
        (422, "the server refused the events (HTTP 422)"),
    ],
)
def test_a_refusal_says_status_and_remedy(status: int, words: str) -> None:
    """The words name the status and, where there is one, the setting to look at."""
    assert retry.refusal(status) == words


HTML = {"content-type": "text/html"}
PAGE = b"<!DOCTYPE html>\n<html><body>Welcome</body></html>"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, PAGE),
        ({"content-type": "application/json"}, PAGE),
        ({}, b"<HTML><head>"),
        ({}, b'<html lang="en">'),
        ({}, b" \t\r\n" * 1_000 + PAGE),
        ({}, codecs.BOM_UTF8 + PAGE),
        ({}, codecs.BOM_UTF8 + b"\n" + PAGE),
        ({}, codecs.BOM_UTF16_LE + PAGE.decode().encode("utf-16-le")),
        ({}, codecs.BOM_UTF16_BE + PAGE.decode().encode("utf-16-be")),
        (HTML, b"<head><title>Welcome</title>"),
        (HTML, b"\n<!-- a page --><html>"),
        (HTML, b"<"),
        ({"Content-Type": "Text/HTML; charset=utf-8"}, b"<p>Welcome"),
        (
            {"content-type": "application/xhtml+xml"},
            b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">',
        ),
        ({**HTML, "content-encoding": "gzip"}, gzip.compress(PAGE, mtime=0)),
        ({**HTML, "content-encoding": "deflate"}, zlib.compress(PAGE)),
        ({**HTML, "content-length": "5230"}, b""),
        ({"Content-Type": "text/html;charset=utf-8", "Content-Length": " 48"}, b""),
    ],
)
def test_a_web_page_accepts_nothing(headers: dict[str, str], body: bytes) -> None:
    """A captive portal, or a host that is not Formo's, answers 200 to anything."""
    assert retry.verdict(Response(200, headers, body)) is Verdict.REFUSED
    assert retry.verdict(Response(503, headers, body)) is Verdict.TRANSIENT


@pytest.mark.parametrize("headers", [{}, HTML, {**HTML, "content-encoding": "gzip"}, {"content-type": "text/plain"}])
@pytest.mark.parametrize(
    "body", [b"", b"\n", b"{}", b'{"successful_rows": 1}', b"[", b"OK", b'"<html>"', codecs.BOM_UTF16_LE + b"{\0}\0"]
)
def test_what_is_no_web_page_is_accepted(headers: dict[str, str], body: bytes) -> None:
    """Also where it calls itself one: many a server does so by default."""
    assert retry.verdict(Response(200, headers, body)) is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({**HTML, "content-length": "0"}, b""),
        ({**HTML, "content-length": ""}, b""),
        ({"content-length": "7"}, b""),
        ({"content-type": "application/json", "content-length": "7"}, b""),
        ({"content-type": "application/json", "content-encoding": "gzip"}, gzip.compress(b"{}", mtime=0)),
        ({"content-type": "application/xml"}, b"<answer/>"),
    ],
)
def test_what_may_be_formos_is_accepted(headers: dict[str, str], body: bytes) -> None:
    """Without a sign of a web page, the status counts."""
    assert retry.verdict(Response(200, headers, body)) is Verdict.ACCEPTED


def asked(value: str | None, name: str = "retry-after") -> float | None:
    """Return the pause of an answer with this header field."""
    headers = {} if value is None else {name: value}
    return retry.retry_after(Response(429, headers), now=lambda: NOW)


@given(st.integers(0, 999_999))
def test_retry_after_in_seconds(seconds: int) -> None:
    """Digits are seconds, with or without blanks around them, whatever the case of the field's name."""
    assert asked(str(seconds)) == asked(f" {seconds} ") == asked(str(seconds), "Retry-After") == seconds


@given(st.integers(-10_000, 10_000))
def test_retry_after_as_a_date(offset: int) -> None:
    """A date is the seconds until then, and none if it is past."""
    moment = datetime.fromtimestamp(NOW, timezone.utc) + timedelta(seconds=offset)
    assert asked(format_datetime(moment, usegmt=True)) == max(0.0, offset)


@pytest.mark.parametrize("clock", [0.0, NOW - 86_400.0, NOW + 86_400.0])
@pytest.mark.parametrize(("date", "pause"), [(NOW, 20.0), (NOW + 30.0, 0.0)])
def test_a_date_is_read_by_the_servers_clock(clock: float, date: float, pause: float) -> None:
    """Where the answer says what time it is, a wrong clock of this machine does not matter."""
    moment = datetime.fromtimestamp(NOW + 20.0, timezone.utc)
    sent = datetime.fromtimestamp(date, timezone.utc)
    headers = {"retry-after": format_datetime(moment, usegmt=True), "date": format_datetime(sent, usegmt=True)}
    assert retry.retry_after(Response(503, headers), now=lambda: clock) == pause


def test_a_date_that_is_none_is_not_read() -> None:
    """Then this machine's clock counts, as where the answer has none."""
    moment = datetime.fromtimestamp(NOW + 20.0, timezone.utc)
    headers = {"retry-after": format_datetime(moment, usegmt=True), "date": "today"}
    assert retry.retry_after(Response(503, headers), now=lambda: NOW) == 20.0


@pytest.mark.parametrize(
    "value",
    [None, "", " ", "soon", "-5", "1.5", "1e3", "nan", "inf", "٣", "²", "Fri, 99 Foo 2026 25:61:61 GMT", "Mon", "\x00"],
)
def test_a_retry_after_that_is_none(value: str | None) -> None:
    """What is neither digits nor a date asks for nothing."""
    assert asked(value) is None


@given(st.text(max_size=40))
def test_retry_after_never_raises(value: str) -> None:
    """Whatever a server sends, the pause is none or a finite number of seconds, zero or more."""
    pause = asked(value)
    assert pause is None or (pause >= 0 and math.isfinite(pause))


def test_retry_after_of_absurd_length() -> None:
    """A thousand digits are a long pause and no overflow."""
    pause = asked("9" * 1_000)
    assert pause is not None
    assert pause >= 1e9
    assert math.isfinite(pause)


class Fails:
    """An attempt that fails each time with the same failure, until it has failed `times` times."""

    def __init__(self, failure: TransientFailure, times: float = math.inf) -> None:
        self.failure = failure
        self.calls = 0
        self._times = times

    def __call__(self) -> str:
        """Make one attempt."""
        self.calls += 1
        if self.calls <= self._times:
            raise self.failure
        return "done"


@given(st.integers(0, 10))
def test_at_most_retry_count_further_attempts(count: int) -> None:
    """With time enough, a batch is tried once and `retry_count` times more; then its own failure comes out."""
    attempt = Fails(TransientFailure("down"))
    with pytest.raises(TransientFailure, match="down"):
        retry.retrying(count, Deadline.after(1_000.0), lambda _: None)(attempt)
    assert attempt.calls == count + 1


def test_a_success_ends_it() -> None:
    """Nothing is tried after an answer."""
    attempt = Fails(TransientFailure("down"), times=2)
    assert retry.retrying(5, Deadline.after(1_000.0), lambda _: None)(attempt) == "done"
    assert attempt.calls == 3


def test_waits_are_full_jitter_of_an_exponential() -> None:
    """Each wait lies between zero and a bound that doubles up to eight seconds, and uses that range."""
    longest = [0.0] * 10
    shortest = [math.inf] * 10
    for _ in range(200):
        waits: list[float] = []
        with pytest.raises(TransientFailure):
            retry.retrying(10, Deadline.after(1_000.0), waits.append)(Fails(TransientFailure("down")))
        assert len(waits) == 10
        longest = list(map(max, longest, waits))
        shortest = list(map(min, shortest, waits))
    bounds = [min(BACKOFF_MAX, BACKOFF_BASE * 2**n) for n in range(1, 11)]
    assert all(0.0 <= wait <= bound for wait, bound in zip(longest, bounds, strict=True))
    # One in 1e18 runs would miss either of these.
    assert all(wait > bound * 0.8 for wait, bound in zip(longest, bounds, strict=True))
    assert all(wait < bound * 0.2 for wait, bound in zip(shortest, bounds, strict=True))


@given(st.floats(0, 100))
def test_retry_after_is_a_minimum(pause: float) -> None:
    """No wait is shorter than the server asked for, and none longer than that or the jitter."""
    waits: list[float] = []
    with pytest.raises(TransientFailure):
        retry.retrying(2, Deadline.after(1_000.0), waits.append)(Fails(TransientFailure("busy", pause=pause)))
    assert len(waits) == 2
    assert all(pause <= wait <= max(pause, BACKOFF_MAX) for wait in waits)


def test_a_pause_beyond_the_deadline_ends_it_at_once() -> None:
    """What the server asks for does not fit, so nobody waits for it."""
    attempt = Fails(TransientFailure("busy", pause=60.0))
    waits: list[float] = []
    with pytest.raises(TransientFailure):
        retry.retrying(3, Deadline.after(2.0), waits.append)(attempt)
    assert (attempt.calls, waits) == (1, [])


def test_a_longer_wait_than_allowed_ends_it() -> None:
    """A batch that nobody waits for does not hold its sender through a long pause."""
    attempt = Fails(TransientFailure("busy", pause=1.5))
    with pytest.raises(TransientFailure):
        retry.retrying(3, Deadline.after(100.0), lambda _: None, 1.0)(attempt)
    assert attempt.calls == 1


def test_nothing_starts_after_the_deadline() -> None:
    """Attempts that use the time up are not followed by another, whatever `retry_count` says."""
    deadline = Deadline.after(0.15)

    class Slow(Fails):
        def __call__(self) -> str:
            """Take a while, and never begin too late."""
            assert deadline.remaining() > 0
            time.sleep(0.05)
            return super().__call__()

    attempt = Slow(TransientFailure("slow"))
    with pytest.raises(TransientFailure):
        retry.retrying(10, deadline, lambda _: None)(attempt)
    assert 1 <= attempt.calls <= 3


def test_a_failure_that_cannot_do_better_is_not_retried() -> None:
    """A certificate that is not trusted now will not be in a second."""
    attempt = Fails(TransientFailure("untrusted", retry=False))
    with pytest.raises(TransientFailure):
        retry.retrying(3, Deadline.after(10.0), lambda _: None)(attempt)
    assert attempt.calls == 1


def test_other_exceptions_pass_unwrapped() -> None:
    """A fault of the code is not retried and not hidden in tenacity's own exception."""

    def attempt() -> None:
        raise KeyError("fault")

    with pytest.raises(KeyError) as caught:
        retry.retrying(3, Deadline.after(10.0), lambda _: None)(attempt)
    assert not isinstance(caught.value, RetryError)


def test_jitter_does_not_come_from_the_generator_that_a_snapshot_clones() -> None:
    """Two processes with the same state of `random` draw different waits."""
    import random

    draws: list[list[float]] = []
    for _ in range(2):
        random.seed(1)
        waits: list[float] = []
        with pytest.raises(TransientFailure):
            retry.retrying(3, Deadline.after(100.0), waits.append)(Fails(TransientFailure("down")))
        draws.append(waits)
    assert draws[0] != draws[1]


def test_what_a_transport_raises_is_transient() -> None:
    """Our own error keeps its words; of a stranger's only the type is told, for its text may hold a payload."""
    known = retry.as_transient(TransportError("timed out", retry=False))
    assert (known.reason, known.retry, known.status) == ("timed out", False, None)
    stranger = retry.as_transient(ValueError("payload"))
    assert stranger.retry
    assert "ValueError" in stranger.reason
    assert "payload" not in stranger.reason
