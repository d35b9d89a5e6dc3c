"""One method for each type of event: the arguments of each are on the wire where Formo reads them."""

from __future__ import annotations

import inspect
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import FormoAnalytics, ValidationError, types
from formo_lambda.event_methods import EventMethods
from formo_lambda.events import EVENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.testing import RecordingTransport

WALLET = "0x9798d87366BDfC5d70B300AbDfFc4F9E95369b3D"
SOLANA = "7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV"
HASH = "0x" + "ab" * 32

#: A call of each method with everything that its type reserves, and what of it is on the wire.
CALLS: dict[str, tuple[Callable[[FormoAnalytics], str], dict[str, Any]]] = {
    "track": (
        lambda client: client.track("Swap", address=WALLET, properties={"revenue": "1.5", "currency": "EUR"}),
        {"event": "Swap", "address": WALLET, "properties": {"revenue": 1.5, "currency": "eur"}},
    ),
    "identify": (
        lambda client: client.identify(WALLET, properties={"ens": "vitalik.eth", "rdns": "io.metamask"}),
        {"address": WALLET, "properties": {"ens": "vitalik.eth", "rdns": "io.metamask"}},
    ),
    "page": (
        lambda client: client.page(
            url="https://app.example/swap?a=1#top",
            path="/swap",
            query="a=1",
            hash="#top",
            name="Swap",
            category="Trade",
            title="Swap now",
            address=WALLET,
        ),
        {
            "address": WALLET,
            "properties": {
                "url": "https://app.example/swap?a=1#top",
                "path": "/swap",
                "query": "a=1",
                "hash": "#top",
                "name": "Swap",
                "category": "Trade",
                "title": "Swap now",
            },
        },
    ),
    "detect": (
        lambda client: client.detect(provider_name="MetaMask", rdns="io.metamask"),
        {"address": None, "properties": {"provider_name": "MetaMask", "rdns": "io.metamask"}},
    ),
    "connect": (
        lambda client: client.connect(SOLANA, chain_id=900_001),
        {"address": SOLANA, "properties": {"chain_id": 900_001}},
    ),
    "disconnect": (
        lambda client: client.disconnect(WALLET, chain_id=1),
        {"address": WALLET, "properties": {"chain_id": 1}},
    ),
    "chain": (
        lambda client: client.chain(WALLET.lower(), chain_id=8453),
        {"address": WALLET, "properties": {"chain_id": 8453}},
    ),
    "signature": (
        lambda client: client.signature(WALLET, chain_id=1, status="confirmed", message="Sign in"),
        {"address": WALLET, "properties": {"chain_id": 1, "status": "confirmed", "message": "Sign in"}},
    ),
    "transaction": (
        lambda client: client.transaction(
            WALLET,
            chain_id=1,
            status="broadcasted",
            transaction_hash=bytes.fromhex(HASH[2:]),
            to=WALLET.lower(),
            value=2**256 - 1,
            data=b"\xa9\x05\x9c\xbb",
            function_name="transfer",
            function_args={"amount": 2**255, "to": "0xme"},
            builder_codes=["uniswap", "base"],
        ),
        {
            "address": WALLET,
            "properties": {
                "chain_id": 1,
                "status": "broadcasted",
                "transaction_hash": HASH,
                "to": WALLET,
                "value": str(2**256 - 1),
                "data": "0xa9059cbb",
                "function_name": "transfer",
                "function_args": {"amount": str(2**255), "to": "0xme"},
                "builder_codes": "uniswap,base",
                "amount": str(2**255),
            },
        },
    ),
}

#: What each method cannot do without.
LEAST: dict[str, dict[str, Any]] = {
    "track": {"event": "Swap"},
    "identify": {"address": WALLET},
    "page": {},
    "detect": {"provider_name": "MetaMask", "rdns": "io.metamask"},
    "connect": {"address": WALLET, "chain_id": 1},
    "disconnect": {},
    "chain": {"address": WALLET, "chain_id": 1},
    "signature": {"address": WALLET, "chain_id": 1, "status": "requested"},
    "transaction": {"address": WALLET, "chain_id": 1, "status": "started"},
}


def sent(client: FormoAnalytics, transport: RecordingTransport) -> dict[str, Any]:
    """Return the one event that arrives when the client is flushed."""
    client.flush()
    assert transport.problems == []
    (event,) = transport.events
    return event


@pytest.mark.parametrize("kind", CALLS)
def test_every_argument_arrives(client: FormoAnalytics, transport: RecordingTransport, kind: str) -> None:
    """Each method's own arguments are in its event, with its type, and the id is the one it returned."""
    call, expected = CALLS[kind]
    message_id = call(client)
    event = sent(client, transport)
    assert {name: event[name] for name in expected} == expected
    assert (event["type"], event["message_id"]) == (kind, message_id)


@pytest.mark.parametrize("kind", LEAST)
def test_what_is_left_out_is_not_sent(client: FormoAnalytics, transport: RecordingTransport, kind: str) -> None:
    """A method with nothing but what it needs sends that and no empty places."""
    getattr(client, kind)(**LEAST[kind])
    own = {name: value for name, value in LEAST[kind].items() if name not in ("event", "address")}
    assert sent(client, transport)["properties"] == own


@pytest.mark.parametrize("kind", LEAST)
def test_every_method_takes_what_all_events_have(
    client: FormoAnalytics, transport: RecordingTransport, kind: str
) -> None:
    """The common fields are taken by every method."""
    common: types.CommonFields = {
        "anonymous_id": "11111111-2222-4333-8444-555555555555",
        "user_id": "user-42",
        "properties": {"more": [1]},
        "context": {"locale": "de"},
        "timestamp": datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=timezone.utc),
        "session_id": "session-1",
        "message_id": "import-1",
        "channel": "import",
    }
    assert common.keys() == types.CommonFields.__annotations__.keys()
    assert getattr(client, kind)(**LEAST[kind], **common) == "import-1"
    event = sent(client, transport)
    assert event["original_timestamp"] == "2026-01-02T03:04:05.678Z"
    assert event["properties"]["more"] == [1]
    assert event["context"]["locale"] == "de"
    for name in ("anonymous_id", "user_id", "session_id", "message_id"):
        assert event[name] == common[name]


@pytest.mark.parametrize("kind", LEAST)
@pytest.mark.parametrize(
    "name", ["adress", "chainId", "event_name", "now", "new_id", "json_default", "reserved", "kind"]
)
def test_what_no_method_takes_is_a_type_error(client: FormoAnalytics, kind: str, name: str) -> None:
    """An argument that a method does not have raises a TypeError that names both, and records nothing."""
    with pytest.raises(TypeError, match=rf"{kind}\(\) got an unexpected keyword argument '{name}'"):
        getattr(client, kind)(**LEAST[kind], **{name: 1})
    assert client.stats.tracked == 0


@pytest.mark.parametrize(
    ("kind", "missing"), [(kind, name) for kind, least in LEAST.items() for name in least], ids=str
)
def test_what_a_type_demands_is_demanded(client: FormoAnalytics, kind: str, missing: str) -> None:
    """A required argument that is missing raises a TypeError, and one that is None a ValidationError with its name."""
    with pytest.raises(TypeError, match=missing):
        getattr(client, kind)(**{name: value for name, value in LEAST[kind].items() if name != missing})
    with pytest.raises(ValidationError) as caught:
        getattr(client, kind)(**{**LEAST[kind], missing: None})
    assert caught.value.field == missing
    assert client.stats.tracked == 0


def test_there_is_a_method_for_every_type() -> None:
    """The methods are those of the table of types, and each documents all of its arguments."""
    methods = {name: method for name, method in vars(EventMethods).items() if not name.startswith("_")}
    assert methods.keys() == EVENT_TYPES.keys()
    for name, method in methods.items():
        documented = inspect.getdoc(method) or ""
        for parameter in inspect.signature(method).parameters.keys() - {"self"}:
            assert f"\n    {parameter}: " in documented, f"{name} does not say what {parameter} is"
        assert "Returns:" in documented
        assert "ValidationError" in documented


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES.keys() - {"track", "identify"}))
def test_a_method_has_an_argument_for_every_reserved_name(kind: str) -> None:
    """What a type reserves can be given as an argument, and what it requires has no default."""
    parameters = inspect.signature(getattr(FormoAnalytics, kind)).parameters
    rule = EVENT_TYPES[kind]
    assert rule.reserved.keys() <= parameters.keys()
    demanded = {name for name, parameter in parameters.items() if parameter.default is parameter.empty}
    assert demanded - {"self", "common"} == {*rule.required, *(["address"] if rule.needs_address else [])}


def test_all_types_can_be_imported_for_annotations() -> None:
    """`formo_lambda.types` defines the payload of every type of event."""
    defined = {name for name, value in vars(types).items() if getattr(value, "__module__", "") == types.__name__}
    assert {f"{kind.title()}Payload" for kind in EVENT_TYPES} <= defined
