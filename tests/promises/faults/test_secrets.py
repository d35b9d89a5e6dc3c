"""The write key is in one header of one request, and nowhere else."""

from __future__ import annotations

import logging
import pickle
import traceback
from typing import TYPE_CHECKING

import pytest

from formo_lambda import ConfigurationError, DeliveryError, FormoAnalytics, FormoError, ValidationError

from . import behaviours
from .conftest import KEY
from .fault_server import FaultServer

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_key_is_in_the_header_and_not_in_the_body(server: FaultServer, client: FormoAnalytics) -> None:
    """The request carries it as a bearer token; neither its path nor its body does."""
    client.track("Sent")
    client.flush()
    (request,) = server.ledger.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert KEY.encode() not in request.body
    assert KEY not in request.path
    assert [name for name, value in request.headers.items() if KEY in value] == ["authorization"]


@pytest.mark.parametrize("show", [repr, str, format, ascii, lambda client: f"{client!r} {vars(client)!r}"])
def test_the_client_does_not_show_it(client: FormoAnalytics, show: Callable[[object], str]) -> None:
    """However the client is turned into text, its attributes included, the key is masked."""
    assert KEY not in show(client)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_client_is_not_pickled(client: FormoAnalytics, protocol: int) -> None:
    """The attempt fails with a TypeError that does not tell the key either."""
    with pytest.raises(TypeError) as caught:
        pickle.dumps(client, protocol)
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "behaviour",
    [
        behaviours.healthy,
        behaviours.status(401),
        behaviours.status(403),
        behaviours.status(500),
        behaviours.redirect("http://localhost:9/"),
        behaviours.garbage,
        behaviours.resets_before_reading,
        behaviours.never_answers,
        behaviours.drips_body,
    ],
)
def test_no_failure_shows_it(
    server: FaultServer, client: FormoAnalytics, caplog: pytest.LogCaptureFixture, behaviour: behaviours.Behaviour
) -> None:
    """Results, their errors with tracebacks and pickles, and every log line at DEBUG are free of it."""
    caplog.set_level(logging.DEBUG)
    server.switch(behaviour)
    client.track("Tried")
    result = client.flush(0.3)
    shown = [repr(result), pickle.dumps(result).decode("latin-1"), repr(client.stats)]
    for error in result.errors:
        shown += ["".join(traceback.format_exception(error)), repr(vars(error))]
    try:
        result.raise_for_errors()
    except DeliveryError as error:
        shown.append("".join(traceback.format_exception(error)))
    shown += [f"{each.getMessage()} {each.args!r} {each.exc_text}" for each in caplog.records]
    shown += ["".join(traceback.format_exception(*each.exc_info)) for each in caplog.records if each.exc_info]
    assert not [text for text in shown if KEY in text]


def test_a_validation_error_does_not_show_it(client: FormoAnalytics) -> None:
    """An error raised at the caller's line names the field, and nothing of the client."""
    with pytest.raises(ValidationError) as caught:
        client.track("Bad", address=KEY)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "key",
    [
        f"{KEY}\n ",
        f"{KEY}\r\nX-Injected: 1",
        f"{KEY}\x00",
        f" {KEY}",
        f"{KEY} ",
        f"{KEY} x",
        f"{KEY}\t",
        f"{KEY}\u00e9",
        "\u6f22",
        " ",
    ],
)
def test_a_key_that_would_break_the_header_is_refused(key: str) -> None:
    """Line breaks, blanks and what is not ASCII are configuration errors that do not repeat the key."""
    with pytest.raises(ConfigurationError) as caught:
        FormoAnalytics(key)
    assert KEY not in "".join(traceback.format_exception_only(caught.value))


@pytest.mark.parametrize(
    "host",
    [
        "http://events.example.test",
        "http://127.0.0.1.example.test",
        "http://localhost.example.test",
        "http://127.0.0.1@events.example.test",
        "http://10.0.0.1:8080",
        "http://[fe80::1]",
        "http://0.0.0.0",
        "https://user:secret@events.example.test",
        "https://events.example.test\r\nX-Injected: 1",
        "https://events.example.test\\@127.0.0.1",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "//127.0.0.1",
        "127.0.0.1",
        "https://",
    ],
)
def test_the_key_travels_in_the_clear_on_loopback_only(host: str) -> None:
    """A host that is neither https nor loopback, or that hides another, is refused at construction."""
    with pytest.raises(FormoError):
        FormoAnalytics(KEY, api_host=host)


@pytest.mark.parametrize("host", ["http://127.0.0.1:1", "http://localhost:1", "http://127.8.9.1", "http://[::1]:1"])
def test_loopback_may_be_in_the_clear(host: str) -> None:
    """All of 127.0.0.0/8, ::1 and localhost are this machine."""
    FormoAnalytics(KEY, api_host=host, handle_signals=False).close()


def test_no_other_host_hears_of_it(server: FaultServer, client: FormoAnalytics) -> None:
    """A redirect is reported and not followed: the other server sees no connection at all."""
    with FaultServer() as other:
        server.switch(behaviours.redirect(f"http://localhost:{other.port}/v0/raw_events"))
        client.track("Redirected")
        result = client.flush(1.0)
        assert (result.sent, other.ledger.connections) == (0, 0)
        assert [error.status for error in result.errors] == [301]
