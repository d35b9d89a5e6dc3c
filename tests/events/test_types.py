"""The types for editors agree with what is checked and sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

import pytest

from formo_lambda import types
from formo_lambda.events import EVENT_TYPES
from tests.events.building import ADDRESS, built
from tests.events.test_event_types import LEAST, RESERVED

PROPERTIES: dict[str, Any] = {
    "page": types.PageProperties,
    "detect": types.WalletProperties,
    "connect": types.ChainProperties,
    "disconnect": types.ChainProperties,
    "chain": types.ChainProperties,
    "signature": types.SignatureProperties,
    "transaction": types.TransactionProperties,
}


def _members(typed_dict: Any) -> set[str]:
    return set(typed_dict.__required_keys__ | typed_dict.__optional_keys__)


@pytest.mark.parametrize("event_type", PROPERTIES)
def test_reserved_properties_are_typed(event_type: str) -> None:
    """The type of an event type's properties has exactly the names that are checked."""
    assert _members(PROPERTIES[event_type]) == set(EVENT_TYPES[event_type].reserved)


def test_identify_types_the_wallet_and_the_traits() -> None:
    """The type of identify's properties has the names that are checked, and the traits of a profile."""
    assert set(EVENT_TYPES["identify"].reserved) < _members(types.IdentifyProperties)
    assert "display_name" in _members(types.IdentifyProperties)


@pytest.mark.parametrize("event_type", LEAST)
def test_payloads_are_typed(event_type: str) -> None:
    """The type of an event type's payload has exactly the fields that are sent, and its name as the type."""
    typed = getattr(types, f"{event_type.title()}Payload")
    event = built(event_type, **{**LEAST[event_type], "session_id": "s"})
    assert _members(typed) == event.keys() | {"sent_at"}
    assert get_args(types.SignatureStatus) == ("requested", "rejected", "confirmed")


def test_the_types_fit_the_calls() -> None:
    """What the types allow is accepted; the type checker reads this test too."""
    track: types.TrackProperties = {"revenue": Decimal("13.5"), "currency": "EUR", "volume": "4500", "points": 5}
    common: types.CommonFields = {"user_id": "u", "properties": track, "timestamp": 1_700_000_000, "session_id": "s"}
    context: types.ContextFields = {"user_agent": "Mozilla/5.0", "location": "JP", "utm_source": "x"}
    common["context"] = context
    assert built("track", event="Swap", **common)["properties"] == {
        "revenue": 13.5,
        "currency": "eur",
        "volume": 4500,
        "points": 5,
    }
    transaction: types.TransactionProperties = {"chain_id": 1, "status": "confirmed", "value": 10**18, "to": ADDRESS}
    assert built("transaction", address=ADDRESS, properties=transaction)["properties"]["value"] == str(10**18)


def test_every_reserved_name_has_an_example() -> None:
    """Each event type with reserved properties is exercised with all of them by the tests of the event types."""
    assert {event_type: set(reserved) for event_type, reserved in RESERVED.items()} == {
        event_type: set(rule.reserved) for event_type, rule in EVENT_TYPES.items() if rule.reserved
    }
