"""How type checkers see the event methods: read by mypy, never run.

What must be an error is ignored by its code, and an ignore without its error is an error itself.
"""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from typing_extensions import assert_type

from formo_lambda import FormoAnalytics, request_context

if TYPE_CHECKING:
    from collections.abc import Mapping

    from formo_lambda.types import (
        CommonFields,
        ContextFields,
        IdentifyProperties,
        SignatureStatus,
        TrackPayload,
        TrackProperties,
        TransactionPayload,
        TransactionProperties,
        TransactionStatus,
    )

analytics = FormoAnalytics("a-key")
WALLET = "0x9798d87366bdfc5d70b300abdffc4f9e95369b3d"


def every_method_returns_the_id() -> None:
    """All return a string."""
    assert_type(analytics.track("Swap"), str)
    assert_type(analytics.identify(WALLET), str)
    assert_type(analytics.page(name="Swap"), str)
    assert_type(analytics.detect(provider_name="MetaMask", rdns="io.metamask"), str)
    assert_type(analytics.connect(WALLET, chain_id=1), str)
    assert_type(analytics.disconnect(), str)
    assert_type(analytics.chain(WALLET, chain_id=1), str)
    assert_type(analytics.signature(WALLET, chain_id=1, status="requested"), str)
    assert_type(analytics.transaction(WALLET, chain_id=1, status="started"), str)


def what_a_type_demands() -> None:
    """What is missing, misspelt or of the wrong type is an error."""
    analytics.track()  # type: ignore[call-arg]
    analytics.track("Swap", adress=WALLET)  # type: ignore[call-arg]
    analytics.track("Swap", properties=["a list"])  # type: ignore[arg-type]
    analytics.identify()  # type: ignore[call-arg]
    analytics.page(nmae="Swap")  # type: ignore[call-arg]
    analytics.detect(provider_name="MetaMask")  # type: ignore[call-arg]
    analytics.connect(WALLET)  # type: ignore[call-arg]
    analytics.connect(WALLET, chain_id="0x1")  # type: ignore[arg-type]
    analytics.connect(WALLET, 1)  # type: ignore[call-arg]
    analytics.signature(WALLET, chain_id=1, status="signed")  # type: ignore[arg-type]
    analytics.transaction(WALLET, chain_id=1, status="mined")  # type: ignore[arg-type]
    analytics.transaction(WALLET, chain_id=1, status="started", value=1.5)  # type: ignore[arg-type]
    analytics.transaction(WALLET, chain_id=1, status="started", timestamp="now")  # type: ignore[arg-type]


def what_all_events_have() -> None:
    """The common fields can be kept in one typed dict and given to every method."""
    common: CommonFields = {
        "anonymous_id": uuid4(),
        "user_id": "user-42",
        "properties": {"anything": object()},
        "context": request_context({}),
        "timestamp": datetime.now(timezone.utc),
        "session_id": "session-1",
        "message_id": "import-1",
    }
    analytics.track("Swap", **common)
    analytics.identify(WALLET, **common)
    analytics.page(**common)
    analytics.detect(provider_name="MetaMask", rdns="io.metamask", **common)
    analytics.connect(WALLET, chain_id=1, **common)
    analytics.disconnect(**common)
    analytics.chain(WALLET, chain_id=1, **common)
    analytics.signature(WALLET, chain_id=1, status="requested", **common)
    analytics.transaction(WALLET, chain_id=1, status="started", **common)
    wrong: CommonFields = {"session": "session-1"}  # type: ignore[typeddict-unknown-key]
    analytics.page(**wrong)


def properties_have_types(status: SignatureStatus, progress: TransactionStatus) -> None:
    """The typed dicts of reserved properties are accepted where properties are, and know what they hold."""
    amounts: TrackProperties = {"revenue": Decimal("13.5"), "currency": "USD", "volume": 4500, "points": "20"}
    analytics.track("Swap", properties=amounts)
    traits: IdentifyProperties = {"display_name": "Alice", "ens": "alice.eth", "rdns": "io.metamask"}
    analytics.identify(WALLET, properties=traits)
    transaction: TransactionProperties = {"chain_id": 1, "status": progress, "value": 10**18}
    analytics.transaction(WALLET, chain_id=transaction["chain_id"], status=transaction["status"])
    analytics.signature(WALLET, chain_id=1, status=status)
    unknown: TrackProperties = {"revenue": []}  # type: ignore[typeddict-item]
    analytics.track("Swap", properties=unknown)


def context_has_types(event: Mapping[str, Any]) -> None:
    """The end user's context is a dict of strings, which may be added to."""
    context = request_context(event, strip=["invite", "member_*"])
    assert_type(context, dict[str, str])
    analytics.track("Swap", context={**context, "timezone": "Asia/Tokyo", "screen_width": 1200})
    fields: ContextFields = {"locale": "en-GB", "location": "GB"}
    analytics.track("Swap", context=fields)
    request_context()  # type: ignore[call-arg]
    request_context(event, strip=[1])  # type: ignore[list-item]


def payloads_have_types(track: TrackPayload, transaction: TransactionPayload) -> None:
    """What is sent, as tests and `on_undelivered` see it, has a type for every kind."""
    assert_type(track["event"], str)
    assert_type(track["user_id"], str | None)
    assert_type(transaction["properties"], dict[str, Any])
    transaction["event"]  # type: ignore[typeddict-item]


def scopes_take_keys_and_rules() -> None:
    """Keys are strings, integers and UUIDs; rules are two words or a callable."""
    analytics.invocation(idempotency_key="order-7", on_exception="discard")
    analytics.invocation(idempotency_key=uuid4(), on_exception=lambda error: isinstance(error, KeyError))
    analytics.invocation(idempotency_key=7)
    analytics.invocation(idempotency_key=1.5)  # type: ignore[arg-type]
    analytics.invocation(on_exception="drop")  # type: ignore[arg-type]
