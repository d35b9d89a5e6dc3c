"""Every event type: what it demands, what it reserves, and what goes on the wire."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from formo_lambda.constants import LIBRARY_NAME, VERSION
from formo_lambda.events import EVENT_TYPES, build
from formo_lambda.types import TransactionStatus
from tests.events.building import ADDRESS, CHECKSUMMED, NOW, NOW_TEXT, built, id_maker, refusal

EVM = {"address": ADDRESS}

#: The least that each type can be sent with.
LEAST: dict[str, dict[str, Any]] = {
    "track": {"event": "Swap"},
    "identify": EVM,
    "page": {},
    "detect": {"reserved": {"provider_name": "MetaMask", "rdns": "io.metamask"}},
    "connect": {**EVM, "reserved": {"chain_id": 1}},
    "disconnect": {},
    "chain": {**EVM, "reserved": {"chain_id": 137}},
    "signature": {**EVM, "reserved": {"chain_id": 1, "status": "requested"}},
    "transaction": {**EVM, "reserved": {"chain_id": 1, "status": "started"}},
}

#: Everything that each type reserves, as it may be given and as it is sent.
RESERVED: dict[str, dict[str, Any]] = {
    "identify": {"provider_name": "MetaMask", "rdns": "io.metamask"},
    "page": {
        "url": "https://app.example/swap?a=1#top",
        "path": "/swap",
        "hash": "#top",
        "query": "a=1",
        "name": "Swap",
        "category": "",
        "title": "Swap now",
    },
    "detect": {"provider_name": "MetaMask", "rdns": "io.metamask"},
    "connect": {"chain_id": 1},
    "disconnect": {"chain_id": 8453},
    "chain": {"chain_id": 900_000},
    "signature": {"chain_id": 1, "status": "confirmed", "message": ""},
    "transaction": {
        "chain_id": 1,
        "status": "broadcasted",
        "to": CHECKSUMMED,
        "value": "1000000000000000000",
        "data": "0xa9059cbb",
        "transaction_hash": "0x" + "ab" * 32,
        "function_name": "transfer",
        "function_args": {"amount": "5"},
        "builder_codes": "uniswap,base",
    },
}


class Status(str, Enum):
    """Statuses as an application may list them."""

    CONFIRMED = "confirmed"


def test_the_types_of_the_events_api() -> None:
    """The table has every type of the Events API that a server can know."""
    assert EVENT_TYPES.keys() == LEAST.keys()
    assert {event_type for event_type, rule in EVENT_TYPES.items() if rule.reserved} == RESERVED.keys()


@pytest.mark.parametrize("event_type", LEAST)
def test_the_least_event(event_type: str) -> None:
    """With the least arguments an event has exactly the fields of the wire format."""
    arguments = LEAST[event_type]
    assert built(event_type, **arguments) == {
        "type": event_type,
        "channel": "server",
        "version": "0",
        "anonymous_id": "00000000-0000-4000-8000-000000000001",
        "user_id": None,
        **({"event": "Swap"} if event_type == "track" else {}),
        "properties": arguments.get("reserved", {}),
        "context": {"library_name": LIBRARY_NAME, "library_version": VERSION},
        "address": CHECKSUMMED if "address" in arguments else None,
        "original_timestamp": NOW_TEXT,
        "message_id": "00000000-0000-4000-8000-000000000002",
    }


@pytest.mark.parametrize("event_type", RESERVED)
def test_reserved_properties(event_type: str) -> None:
    """Every reserved property is sent as given, beside the caller's own properties."""
    own = {"plan": "pro"}
    reserved = RESERVED[event_type]
    assert reserved.keys() == EVENT_TYPES[event_type].reserved.keys()
    event = built(event_type, address=ADDRESS, reserved=reserved, properties=own)
    flattened = {"amount": "5"} if event_type == "transaction" else {}
    assert event["properties"] == {**reserved, **own, **flattened}


@pytest.mark.parametrize("event_type", RESERVED)
def test_reserved_names_in_properties(event_type: str) -> None:
    """What is reserved may stand in the properties instead; the result is the same."""
    in_properties = built(event_type, address=ADDRESS, properties=RESERVED[event_type])
    assert in_properties == built(event_type, address=ADDRESS, reserved=RESERVED[event_type])


@pytest.mark.parametrize(
    ("event_type", "name"),
    [(event_type, name) for event_type, reserved in RESERVED.items() for name in reserved],
    ids=str,
)
def test_reserved_properties_are_checked(event_type: str, name: str) -> None:
    """A value of the wrong type is refused, whether it is an argument or a property, under its own name."""
    wrong = {**RESERVED[event_type], name: 1.5}
    assert refusal(event_type, address=ADDRESS, reserved=wrong).field == name
    if event_type != "identify":  # its properties are traits, which are the caller's
        assert refusal(event_type, address=ADDRESS, properties=wrong).field == f"properties.{name}"


@pytest.mark.parametrize("event_type", RESERVED)
def test_nothing_is_given_twice(event_type: str) -> None:
    """A reserved property that is an argument and a property is refused: one of the two would be lost."""
    name, value = next(iter(RESERVED[event_type].items()))
    refused = refusal(event_type, address=ADDRESS, reserved=RESERVED[event_type], properties={name: value})
    assert (refused.field, refused.reason) == (
        f"properties.{name}",
        f"must be given once, here or as the argument {name}",
    )


@pytest.mark.parametrize(
    ("event_type", "name"),
    [(event_type, name) for event_type, rule in EVENT_TYPES.items() for name in rule.required],
    ids=str,
)
def test_required_properties(event_type: str, name: str) -> None:
    """What a type cannot do without is refused under its own name where it is missing or None."""
    least = LEAST[event_type]["reserved"]
    without = {other: value for other, value in least.items() if other != name}
    for reserved in (without, {**without, name: None}):
        assert refusal(event_type, address=ADDRESS, reserved=reserved).field == name


@pytest.mark.parametrize("event_type", LEAST)
def test_which_types_need_a_wallet(event_type: str) -> None:
    """Types that are about a wallet are refused without one; the others go out with a null address."""
    arguments = {name: value for name, value in LEAST[event_type].items() if name != "address"}
    if event_type in {"track", "page", "detect", "disconnect"}:
        assert built(event_type, **arguments)["address"] is None
    else:
        assert refusal(event_type, **arguments).field == "address"


def test_none_is_left_out() -> None:
    """Arguments that are None are as if they were not given."""
    assert built("page", reserved={"name": "Swap", "title": None})["properties"] == {"name": "Swap"}


@pytest.mark.parametrize("chain_id", [0, -1, True, "1", "0x1", 1.0, 2**53, b"\x01", [1]], ids=repr)
def test_chain_ids_are_positive_integers(chain_id: object) -> None:
    """Any other chain id is refused."""
    refused = refusal("connect", address=ADDRESS, reserved={"chain_id": chain_id})
    assert (refused.field, refused.reason) == ("chain_id", "must be a positive integer")


@pytest.mark.parametrize(
    ("event_type", "statuses"),
    [
        ("signature", ("requested", "rejected", "confirmed")),
        ("transaction", ("started", "broadcasted", "confirmed", "reverted", "rejected")),
    ],
)
def test_statuses(event_type: str, statuses: tuple[str, ...]) -> None:
    """Each type's own statuses are sent, any others refused with the list of them."""
    for status in (*statuses, Status.CONFIRMED):
        sent = built(event_type, address=ADDRESS, reserved={"chain_id": 1, "status": status})["properties"]["status"]
        assert sent == (status.value if isinstance(status, Status) else status)
    for wrong in ("Confirmed", "done", "", 1, ["confirmed"], {"a": 1}):
        refused = refusal(event_type, address=ADDRESS, reserved={"chain_id": 1, "status": wrong})
        assert (refused.field, refused.reason) == ("status", f"must be one of {', '.join(statuses)}")


def test_unknown_types() -> None:
    """A type that the table does not have is a programming error."""
    with pytest.raises(KeyError):
        build("decoded_log", now=NOW, new_id=id_maker())


def test_unknown_properties() -> None:
    """An argument that the type does not reserve is a programming error, not a value lost in silence."""
    for event_type in EVENT_TYPES:
        with pytest.raises(TypeError, match="has no colour"):
            built(event_type, event="Swap", address=ADDRESS, reserved={**RESERVED.get(event_type, {}), "colour": None})


def test_statuses_are_written_once() -> None:
    """The statuses that editors offer are the ones that are accepted."""
    for status in TransactionStatus.__args__:  # type: ignore[attr-defined]
        built("transaction", address=ADDRESS, reserved={"chain_id": 1, "status": status})
