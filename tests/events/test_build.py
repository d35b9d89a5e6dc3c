"""Building one event: its bytes, its context, its size, the order of its checks."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import pytest

from formo_lambda.constants import LIBRARY_NAME, MAX_EVENT_BYTES, SENT_AT_BYTES, VERSION
from formo_lambda.events import build
from formo_lambda.events.build import encode_value
from tests.events.building import ADDRESS, NOW, built, built_bytes, id_maker, refusal, tracked

OURS = {"library_name": LIBRARY_NAME, "library_version": VERSION}


class FakeLambdaContext:
    """What identifies the context object of AWS Lambda."""

    def get_remaining_time_in_millis(self) -> int:
        """Return some time."""
        return 1000


class TestBytes:
    """The form in which an event travels."""

    def test_known_event(self) -> None:
        """An event with everything is these bytes: compact ASCII, without closing brace and without sent_at."""
        message_id, data = build(
            "track",
            event="Caf\u00e9",
            address=ADDRESS,
            user_id="user-1",
            session_id="s-1",
            properties={"pair": "ETH/USDC", "revenue": "13.50"},
            context={"locale": "en-GB"},
            now=NOW,
            new_id=id_maker(),
        )
        assert message_id == "00000000-0000-4000-8000-000000000002"
        assert data == (
            b'{"type":"track","channel":"server","version":"0"'
            b',"anonymous_id":"00000000-0000-4000-8000-000000000001","user_id":"user-1","event":"Caf\\u00e9"'
            b',"properties":{"pair":"ETH/USDC","revenue":13.5,"currency":"usd"}'
            b',"context":{"library_name":"Formo Python SDK","library_version":"' + VERSION.encode() + b'"'
            b',"locale":"en-GB"},"address":"0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B"'
            b',"original_timestamp":"2026-11-23T10:00:00.000Z","session_id":"s-1"'
            b',"message_id":"00000000-0000-4000-8000-000000000002"'
        )

    def test_sent_at_completes_it(self) -> None:
        """With sent_at and a brace appended it is one JSON object."""
        data = built_bytes("page") + b',"sent_at":"2026-11-23T10:00:00.000Z"}'
        assert json.loads(data)["sent_at"] == "2026-11-23T10:00:00.000Z"

    def test_the_same_arguments_give_the_same_bytes(self) -> None:
        """Nothing but the arguments decides: no clock, no randomness, no memory of earlier events."""
        arguments: dict[str, Any] = {"event": "Swap", "address": ADDRESS, "properties": {"a": [1, None]}}
        assert built_bytes("track", **arguments) == built_bytes("track", **arguments)

    def test_later_changes_are_not_seen(self) -> None:
        """What the caller changes after the call does not reach the event, and nothing of the caller's is changed."""
        properties: dict[str, Any] = {"items": [{"a": 1}], "revenue": "5", "currency": "EUR"}
        context: dict[str, Any] = {"library_name": "mine", "app": {"v": 1}}
        arguments: dict[str, Any] = {"a": 1}
        data = built_bytes("track", event="Swap", properties=properties, context=context)
        built_bytes(
            "transaction", address=ADDRESS, reserved={"chain_id": 1, "status": "started", "function_args": arguments}
        )
        assert properties == {"items": [{"a": 1}], "revenue": "5", "currency": "EUR"}
        assert context == {"library_name": "mine", "app": {"v": 1}}
        assert arguments == {"a": 1}
        properties["items"][0]["a"] = 2
        assert json.loads(data + b"}")["properties"]["items"] == [{"a": 1}]

    def test_what_is_no_json_is_never_written(self) -> None:
        """The writer itself refuses NaN, whatever the checks before it let through."""
        with pytest.raises(ValueError, match="not JSON compliant"):
            encode_value({"v": float("nan")})


class TestEventName:
    """The name of a track event."""

    @pytest.mark.parametrize("name", [None, "", 0, True, b"x", ["x"], {"name": "x"}, float("nan")], ids=repr)
    def test_it_is_a_string(self, name: object) -> None:
        """Anything but a string of at least one character is refused."""
        refused = refusal("track", event=name)
        assert (refused.field, refused.reason) == ("event", "must be a non-empty string")

    @pytest.mark.parametrize(("name", "warnings"), [("Swap", 0), ("  Swap ", 0), (" ", 1), ("\n\t", 1)])
    def test_blanks_alone_are_warned_about(self, name: str, warnings: int, caplog: pytest.LogCaptureFixture) -> None:
        """A name of nothing but blanks is sent as it is, with a warning."""
        with caplog.at_level(logging.WARNING, logger="formo_lambda"):
            assert built("track", event=name)["event"] == name
        assert [record.getMessage() for record in caplog.records] == [
            "event: its name is nothing but blanks"
        ] * warnings


class TestMappings:
    """Properties and context are mappings."""

    @pytest.mark.parametrize("field", ["properties", "context"])
    @pytest.mark.parametrize(
        "value", ["", "x", 0, 1, False, [], [1], (), {1}, b"", b"ab", 1.5, float("nan"), '{"a":1}'], ids=repr
    )
    def test_nothing_else(self, field: str, value: object) -> None:
        """Anything else is refused, however empty it is."""
        refused = refusal("page", **{field: value})
        assert (refused.field, refused.reason) == (field, "must be an object if provided")

    @pytest.mark.parametrize("field", ["properties", "context"])
    @pytest.mark.parametrize("mapping", [dict, OrderedDict, MappingProxyType])
    def test_any_mapping(self, field: str, mapping: Any) -> None:
        """Any mapping will do, and so will an empty one or None."""
        extra = OURS if field == "context" else {}
        assert built("page", **{field: mapping({"a": 1})})[field] == {"a": 1, **extra}
        assert built("page", **{field: mapping({})})[field] == extra
        assert built("page", **{field: None})[field] == extra


class TestContext:
    """The end user's surroundings."""

    def test_the_library_names_itself(self) -> None:
        """The library's own name and version stand whatever the caller puts there; the rest is the caller's."""
        for own in ("mine", None, "", 5):
            context = {"library_name": own, "library_version": own, "locale": "en"}
            assert built("page", context=context)["context"] == {**OURS, "locale": "en"}
            assert built("page", context={"library_name": own})["context"] == OURS

    @pytest.mark.parametrize("instance_attribute", [False, True])
    def test_the_lambda_context_is_a_mistake(self, *, instance_attribute: bool) -> None:
        """The context object of AWS Lambda is refused with a reason that says what it is."""
        context: Any = FakeLambdaContext() if not instance_attribute else type("Bare", (), {})()
        context.get_remaining_time_in_millis = FakeLambdaContext().get_remaining_time_in_millis
        refused = refusal("track", event="Swap", context=context)
        assert refused.field == "context"
        assert refused.reason.endswith("this is the Lambda context of the invocation")

    def test_an_object_that_hides_its_methods(self) -> None:
        """An object that raises when asked for a method is no mapping, and that is all that is said of it."""

        class Hidden:
            def __getattr__(self, name: str) -> object:
                raise RuntimeError

        assert refusal("page", context=Hidden()).reason == "must be an object if provided"


class TestSize:
    """An event has a largest size."""

    def test_the_limit_is_of_bytes_as_sent(self) -> None:
        """The largest event has exactly the limit with its sent_at; one byte more is refused."""
        room = MAX_EVENT_BYTES - SENT_AT_BYTES - len(built_bytes("page", properties={"v": ""}))
        assert len(built_bytes("page", properties={"v": "x" * room})) + SENT_AT_BYTES == MAX_EVENT_BYTES
        refused = refusal("page", properties={"v": "x" * (room + 1)})
        assert (refused.field, refused.reason) == ("properties", "is too large: an event may have 490000 bytes")

    def test_escapes_count(self) -> None:
        """What counts are bytes, so a character that takes six counts as six."""
        assert refusal("page", properties={"v": "\u00e9" * 100_000}).field == "properties"

    @pytest.mark.parametrize("field", ["event", "user_id", "session_id", "context"])
    def test_the_largest_part_is_named(self, field: str) -> None:
        """The error names the argument that takes the most room."""
        large: Any = {"v": "x" * MAX_EVENT_BYTES} if field == "context" else "x" * MAX_EVENT_BYTES
        assert refusal("track", **{"event": "Swap", "properties": {"a": 1}, field: large}).field == field


class TestOrderOfChecks:
    """Where several arguments are wrong, the first of a fixed order is named."""

    WRONG: dict[str, Any] = {  # noqa: RUF012 -- read only
        "anonymous_id": "x",
        "event": "",
        "user_id": "",
        "properties": [],
        "context": [],
        "address": "x",
        "session_id": "",
        "timestamp": "x",
        "message_id": "",
    }

    @pytest.mark.parametrize("field", WRONG)
    def test_the_first_wrong_argument_is_named(self, field: str) -> None:
        """That order is the official SDK's, then our own arguments; it does not depend on the call."""
        fields = list(self.WRONG)
        wrong = {name: self.WRONG[name] for name in reversed(fields[fields.index(field) :])}
        assert refusal("track", **{"event": "Swap", **wrong}).field == field

    def test_contents_come_last(self) -> None:
        """What is inside the properties is looked at after all other arguments."""
        assert refusal("track", event="Swap", address="x", properties={"revenue": "x"}).field == "address"


class TestSecrecy:
    """Errors and warnings say the rule, never the value."""

    @pytest.mark.parametrize("field", ["anonymous_id", "user_id", "properties", "context", "address", "session_id"])
    def test_no_value_in_errors(self, field: str) -> None:
        """The text of an error does not contain what was given."""
        for secret in ("s3cret", ["s3cret"], b"s3cret"):
            if isinstance(secret, str) and field in {"user_id", "session_id"}:
                continue  # any string will do for them
            refused = refusal("page", **{field: secret})
            assert "s3cret" not in f"{refused} {refused!r}"

    def test_no_value_in_errors_from_inside(self) -> None:
        """Neither do errors about what is inside the properties."""
        for value in (ValueError("s3cret"), {("s3cret",): 1}):
            assert "s3cret" not in str(refusal("page", properties={"v": value}))
        assert "s3cret" not in str(refusal("track", event="Swap", properties={"revenue": "s3cret"}))


def test_a_plain_call() -> None:
    """A mapping given to an event and read again is what a reader of the wire sees."""
    properties = {"pair": "ETH/USDC", "volume": 4500, "ok": True, "note": None, "legs": [{"n": 1.5}]}
    assert tracked(properties) == properties
