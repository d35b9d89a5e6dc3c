"""The identifiers of an event: anonymous_id, user_id, session_id, message_id, and how new ones are made."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.events import build, derived_uuid, forget_stock, random_uuid, stocked_uuid
from tests.events.building import NOW, built, id_maker, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

UPPER = "F47AC10B-58CC-4372-A567-0E02B2C3D479"

NO_UUIDS: dict[str, object] = {
    "words": "not-a-uuid",
    "no hyphens": UPPER.replace("-", ""),
    "braces": f"{{{UPPER}}}",
    "urn": f"urn:uuid:{UPPER}",
    "blank before": f" {UPPER}",
    "newline after": f"{UPPER}\n",
    "short": UPPER[:-1],
    "long": UPPER + "0",
    "other digits": UPPER.replace("1", "\u0661"),
    "zero": 0,
    "false": False,
    "number": 5,
    "bytes": UPPER.encode(),
    "list": [UPPER],
}


class TestNewIds:
    """Ids that the library makes."""

    @pytest.mark.parametrize("new_id", [random_uuid, stocked_uuid])
    def test_random_uuids(self, new_id: Callable[[], str]) -> None:
        """They are version 4 UUIDs in the usual notation, each different."""
        made = {new_id() for _ in range(500)}
        assert len(made) == 500
        for text in made:
            parsed = uuid.UUID(text)
            assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)

    @pytest.mark.parametrize("new_id", [random_uuid, stocked_uuid])
    def test_every_random_bit_is_used(self, new_id: Callable[[], str]) -> None:
        """All bits but those of version and variant vary."""
        numbers = [uuid.UUID(new_id()).int for _ in range(500)]
        ones = zeros = 0
        for number in numbers:
            ones |= number
            zeros |= ~number
        assert (ones & zeros & (1 << 128) - 1).bit_count() == 122

    def test_a_forgotten_stock_is_drawn_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """After the stock was forgotten the next id comes of what the system says then."""
        forget_stock()
        stocked_uuid()
        monkeypatch.setattr("os.urandom", bytes)
        assert stocked_uuid() != "00000000-0000-4000-8000-000000000000"
        forget_stock()
        assert stocked_uuid() == "00000000-0000-4000-8000-000000000000"
        forget_stock()

    def test_derived_uuids(self) -> None:
        """The same key and ordinal give the same id for ever; another key or ordinal gives another."""
        assert derived_uuid("order-7", 0) == "f1689352-e7ed-5f99-9036-1d838f4e086d"
        assert len({derived_uuid(key, n) for key in ("a", "b", "1:a") for n in (0, 1, 11)}) == 9
        assert uuid.UUID(derived_uuid("order-7", 1)).version == 5

    @given(st.text(st.characters(codec=None)))
    def test_any_key_derives(self, key: str) -> None:
        """Whatever characters the key has, an id comes out."""
        assert uuid.UUID(derived_uuid(key, 1)).version == 5


class TestAnonymousId:
    """The visitor."""

    @pytest.mark.parametrize("missing", [None, ""])
    def test_a_new_one_where_there_is_none(self, missing: object) -> None:
        """Without an id, or with an empty one, a new one is made; it is not the message_id."""
        event = built("page", anonymous_id=missing)
        assert event["anonymous_id"] == "00000000-0000-4000-8000-000000000001"
        assert event["message_id"] == "00000000-0000-4000-8000-000000000002"

    @pytest.mark.parametrize("given_id", [UPPER, UPPER.lower(), uuid.UUID(UPPER), uuid.UUID(int=0)], ids=repr)
    def test_uuids_are_taken_as_they_are(self, given_id: object) -> None:
        """A UUID, as text in any case or as an object, is sent without a change."""
        assert built("page", anonymous_id=given_id)["anonymous_id"] == str(given_id)

    @pytest.mark.parametrize("value", NO_UUIDS.values(), ids=NO_UUIDS)
    def test_what_is_no_uuid(self, value: object) -> None:
        """Anything else is refused, notations that other libraries would tolerate included."""
        refused = refusal("page", anonymous_id=value)
        assert (refused.field, refused.reason) == ("anonymous_id", "must be a valid UUID")


class TestUserAndSession:
    """The application's own ids."""

    @pytest.mark.parametrize("field", ["user_id", "session_id"])
    @pytest.mark.parametrize("text", ["u", " ", "\n", "a\x00b", "u" * 5000, "\u30e6\ud83e\udd8a", '"\\'])
    def test_any_string_is_sent_as_it_is(self, field: str, text: str) -> None:
        """A string of at least one character goes out unchanged."""
        sent = built("page", **{field: text})[field]
        assert sent.encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")

    @pytest.mark.parametrize("field", ["user_id", "session_id"])
    @pytest.mark.parametrize("value", ["", 0, 42, False, b"u", ["u"], {"id": "u"}, uuid.UUID(int=1)], ids=repr)
    def test_anything_else_is_refused(self, field: str, value: object) -> None:
        """Nothing is turned into a string silently."""
        refused = refusal("page", **{field: value})
        assert (refused.field, refused.reason) == (field, "must be a non-empty string if provided")

    def test_absent(self) -> None:
        """Without them there is a null user_id, and no session_id at all."""
        event = built("page", user_id=None, session_id=None)
        assert event["user_id"] is None
        assert "session_id" not in event


class TestMessageId:
    """What Formo recognises a repeated event by."""

    @pytest.mark.parametrize(
        "value", ["x", "!", "~", "a" * 255, '"quoted\\"', "arn:aws:sqs:eu-1:1:q/7", uuid.UUID(int=7)]
    )
    def test_what_is_accepted(self, value: Any) -> None:
        """Printable ASCII, or a UUID object, is sent as it is and returned as it is sent."""
        message_id, data = build("page", message_id=value, now=NOW, new_id=id_maker())
        assert message_id == str(value)
        assert built("page", message_id=value)["message_id"] == message_id
        assert data.isascii()

    @pytest.mark.parametrize(
        "value",
        ["", " ", "a b", "a\n", "a" * 256, "\u00e9", "\x7f", 0, 7, True, b"x", ["x"]],
        ids=lambda v: repr(v)[:20],
    )
    def test_what_is_refused(self, value: object) -> None:
        """Anything else is refused."""
        refused = refusal("page", message_id=value)
        assert refused.field == "message_id"
        assert refused.reason == "must be 1 to 255 printable ASCII characters without blanks"

    def test_new_ids_come_from_the_caller_of_build(self) -> None:
        """The id of an event is returned as it was made, and stands in the bytes."""
        message_id, data = build("page", now=NOW, new_id=lambda: UPPER)
        assert message_id == UPPER
        assert data.endswith(f',"message_id":"{UPPER}"'.encode())
