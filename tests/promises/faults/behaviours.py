"""How the fault server treats one request: each behaviour is a plain function of the exchange.

The docstring of each says what becomes of the events: read, kept, accepted (see `ledger`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

from .exchange import ConnectionOver, Exchange, head, rows

Behaviour = Callable[[Exchange], None]

#: Slow enough that not even the status line is through within two seconds.
_HEADER_DRIP = 0.2
_BODY_DRIP = 0.05


def _named(name: str, behaviour: Behaviour) -> Behaviour:
    behaviour.__name__ = name  # what a test is called after
    return behaviour


def healthy(exchange: Exchange) -> None:
    """Accepts every batch."""
    exchange.accept(exchange.read())


def never_answers(exchange: Exchange) -> None:
    """Reads the request and says nothing: read, not kept."""
    exchange.read()
    exchange.pause()


def drips_headers(exchange: Exchange) -> None:
    """Sends status line and headers a byte at a time: accepted once the status line is out, which takes over 3 s."""
    request = exchange.read()
    body = rows(len(request.events))
    status_line, rest = head(200, len(body), {"X-Padding": "x" * 200}).split(b"\r\n", 1)
    exchange.drip(status_line, _HEADER_DRIP)
    exchange.ledger.accept(request.events)
    exchange.drip(b"\r\n" + rest + body, _HEADER_DRIP)


def drips_body(exchange: Exchange) -> None:
    """Sends status line and headers at once and the body a byte at a time, for 20 s: accepted at once."""
    request = exchange.read()
    body = rows(len(request.events)).ljust(400)
    exchange.ledger.accept(request.events)
    exchange.send(head(200, len(body), {"Content-Type": "application/json"}))
    exchange.drip(body, _BODY_DRIP)


def slow(seconds: float) -> Behaviour:
    """Thinks that long, then accepts; a client that left by then has events accepted without knowing."""

    def behave(exchange: Exchange) -> None:
        request = exchange.read()
        exchange.pause(seconds)
        exchange.accept(request)

    return behave


def resets_before_reading(exchange: Exchange) -> None:
    """Resets the connection when the first byte arrives: not even read."""
    exchange.wire.reset()
    raise ConnectionOver


def resets_after_reading(exchange: Exchange) -> None:
    """Reads the request and resets the connection: kept, not accepted."""
    exchange.ledger.keep(exchange.read().events)
    exchange.wire.reset()
    raise ConnectionOver


def closes(exchange: Exchange) -> None:
    """Reads the request and closes in good order, without an answer: read, not kept."""
    exchange.read()
    raise ConnectionOver


def half_an_answer(exchange: Exchange) -> None:
    """Sends the status line, the headers and half the body, then closes: accepted, the status line says so."""
    request = exchange.read()
    body = rows(len(request.events))
    exchange.ledger.accept(request.events)
    exchange.send(head(200, len(body), {"Content-Type": "application/json"}) + body[: len(body) // 2])
    raise ConnectionOver


def half_a_status_line(exchange: Exchange) -> None:
    """Sends half of a status line, then closes: kept, not accepted."""
    exchange.ledger.keep(exchange.read().events)
    exchange.send(b"HTTP/1.1 20")
    raise ConnectionOver


def garbage(exchange: Exchange) -> None:
    """Answers in something that is not HTTP: read, not kept."""
    exchange.read()
    exchange.send(b"\x16\x03\x01\x02\x00\x01\x00 220 mail.example ESMTP\r\n\x00\xff\xfe\r\n\r\n")
    raise ConnectionOver


def status(code: int, headers: Callable[[], dict[str, str]] = dict) -> Behaviour:
    """Refuses every batch with this status."""

    def behave(exchange: Exchange) -> None:
        exchange.read()
        exchange.refuse(code, headers())

    return _named(f"{code}", behave)


def retry_after_seconds(seconds: int, code: int = 429) -> Behaviour:
    """Refuses every batch and asks for a pause in seconds."""
    return _named(f"{code} for {seconds} s", status(code, lambda: {"Retry-After": str(seconds)}))


def retry_after_date(seconds: int, code: int = 429) -> Behaviour:
    """Refuses every batch and asks for a pause that ends at an HTTP date."""

    def headers() -> dict[str, str]:
        moment = datetime.now(timezone.utc) + timedelta(seconds=seconds)
        return {"Retry-After": format_datetime(moment, usegmt=True)}

    return _named(f"{code} until a date", status(code, headers))


def first_requests(count: int, sick: Behaviour, then: Behaviour = healthy) -> Behaviour:
    """Treats the first requests one way and all later ones another."""
    lock = threading.Lock()
    seen = 0

    def behave(exchange: Exchange) -> None:
        nonlocal seen
        with lock:
            seen += 1
            mine = seen
        (sick if mine <= count else then)(exchange)

    return behave


def redirect(location: str) -> Behaviour:
    """Answers 301 to another place: nothing is accepted, and nobody should go there."""
    return _named("redirect", status(301, lambda: {"Location": location}))


def html_page(exchange: Exchange) -> None:
    """Answers 200 with a page, as a captive portal does: nothing is accepted."""
    exchange.read()
    exchange.answer(200, b"<!doctype html><title>Welcome</title>", {"Content-Type": "text/html"})


def too_large_above(limit: int) -> Behaviour:
    """Refuses bodies above a number of bytes with 413, accepts the others."""

    def behave(exchange: Exchange) -> None:
        request = exchange.read()
        if len(request.body) > limit:
            exchange.refuse(413)
        else:
            exchange.accept(request)

    return behave


def refuses_poison(exchange: Exchange) -> None:
    """Refuses with 400 a batch in which an event has the property `poison`, accepts the others."""
    request = exchange.read()
    if any("poison" in event["properties"] for event in request.events):
        exchange.refuse(400, error="malformed event")
    else:
        exchange.accept(request)


def quarantines_marked(exchange: Exchange) -> None:
    """Accepts every batch and quarantines the events that have the property `quarantine`."""
    request = exchange.read()
    exchange.accept(request, quarantined=sum("quarantine" in event["properties"] for event in request.events))


def cuts_reused(how: Behaviour) -> Behaviour:
    """Serves the first request of each connection well and treats every later one as told: the race of a thaw."""

    def behave(exchange: Exchange) -> None:
        (healthy if exchange.order == 1 else how)(exchange)

    return behave
