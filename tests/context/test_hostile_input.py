"""Whatever it is given, `request_context` returns text about the end user, or nothing."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import MagicMock, Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda import FormoAnalytics, request_context
from formo_lambda.testing import RecordingTransport
from formo_lambda.types import ContextFields
from tests.context.sources import SOURCES

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=20)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


def check(told: dict[str, str]) -> None:
    """Require that what is told is documented fields with text, and that an event takes it."""
    assert told.keys() <= ContextFields.__annotations__.keys()
    assert all(type(value) is str and value for value in told.values())
    transport = RecordingTransport()
    client = FormoAnalytics("a-key", transport=transport, handle_signals=False)
    client.track("Swap", context=told)
    client.close()
    assert json.loads(json.dumps(told)).items() <= transport.events[0]["context"].items()


@given(st.data())
def test_any_part_of_a_source_can_be_anything(data: st.DataObject) -> None:
    """A source of which one part, at any depth, is replaced by anything at all is read without an error."""
    name = data.draw(st.sampled_from(sorted(SOURCES.keys() - {"http_handler"})))
    source = SOURCES[name]()
    place: Any = source
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not (isinstance(inner, (dict, list)) and inner and data.draw(st.booleans())):
            break
        place = inner
    place[key] = data.draw(ANYTHING)
    check(request_context(source))


HEADER_NAMES = st.sampled_from(
    ["user-agent", "accept-language", "referer", "host", "x-forwarded-host", "x-forwarded-proto", "cf-ipcountry"]
)
URL_PIECES = st.lists(
    st.sampled_from(
        ["https://", "a.example", "/", "?", "&", ";", "=", "#", "%", "%3F", "%26", "%3D", "@", ":", "[", "]"]
    )
    | st.sampled_from(["code", "token", "SENTINEL", "q", "next", "203.0.113.7", "é", "\ud800", " ", "\x00"]),
    max_size=14,
).map("".join)


@given(st.dictionaries(HEADER_NAMES, URL_PIECES | st.text(max_size=40)), URL_PIECES, URL_PIECES)
def test_any_headers_path_and_query(headers: dict[str, str], path: str, query: str) -> None:
    """Any text in headers, path and query is read without an error."""
    check(request_context({"headers": headers, "rawPath": path, "rawQueryString": query}))


NAMES = st.sampled_from(["token", "code", "signature", "privy_oauth_code", "access_token", "apiKey"])
ENCODERS = st.sampled_from(
    [
        lambda text: text,
        lambda text: text.upper(),
        lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
        lambda text: f"user[{text}]",
    ]
)


@given(
    NAMES,
    ENCODERS,
    URL_PIECES.filter(lambda text: "SENTINEL" not in text and "%" not in text),
    st.sampled_from(["page", "referrer"]),
)
def test_a_secret_never_gets_through(name: str, encode: Any, before: str, place: str) -> None:
    """The value of a secret parameter is not told, whatever stands before it and however its name is written."""
    query = f"{before}&{encode(name)}=SENTINEL&last=1"
    headers = {"host": "a.example", "referer": f"https://b.example/?{query}" if place == "referrer" else ""}
    told = request_context({"headers": headers, "rawPath": "/", "rawQueryString": query if place == "page" else ""})
    assert "SENTINEL" not in json.dumps(told)


@pytest.mark.parametrize(
    "source",
    [
        None,
        5,
        "GET /swap HTTP/1.1",
        b"",
        [],
        {},
        pytest.param(object(), id="object()"),  # an id with an address in it differs between the suite's workers
        pytest.param(Mock(), id="Mock()"),
        pytest.param(MagicMock(), id="MagicMock()"),
        Exception,
        {"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "{}"}]},
        {"Records": [{"cf": None}]},
        {"Records": [{"cf": {"request": {"headers": {"host": [{}]}}}}]},
        {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
        {"type": "TOKEN", "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:api/prod/GET/"},
    ],
    ids=repr,
)
def test_what_is_no_request_tells_nothing(source: object) -> None:
    """Anything that is no request, the events of queues and clocks among it, gives an empty context."""
    assert request_context(source) == {}


def test_an_object_that_answers_nothing() -> None:
    """An object that raises whatever is asked of it tells nothing."""

    class Explosive:
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError(name)

    assert request_context(Explosive()) == {}


def test_the_log_does_not_quote_the_request(caplog: pytest.LogCaptureFixture) -> None:
    """A source that raises is logged by its type, not with what it said."""

    class Scope(dict[str, Any]):
        def get(self, name: str, default: object = None) -> Any:
            raise RuntimeError("s3cr3t")

    with caplog.at_level("DEBUG", logger="formo_lambda"):
        assert request_context(Scope(type="http", headers=[])) == {}
    assert "Scope" in caplog.text
    assert "s3cr3t" not in caplog.text
