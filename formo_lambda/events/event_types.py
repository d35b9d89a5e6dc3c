"""The rules of each event type, in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from formo_lambda.events import reserved as rules
from formo_lambda.events.amounts import AMOUNTS
from formo_lambda.types import PageProperties, SignatureStatus, TransactionStatus, WalletProperties

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class EventType(NamedTuple):
    """The rules of one event type, beside those for all.

    Attributes:
        needs_address: Whether the event must have a wallet.
        reserved: The type's own properties, each with its check. `chain_id` comes before those that depend on it.
        required: Those of `reserved` that must be given.
        checks_properties: Whether reserved names in `properties` are checked as arguments are.
        finish: Called last with the copied properties, which it changes in place.
        has_name: Whether the caller names the event.
    """

    needs_address: bool = False
    reserved: Mapping[str, rules.Check] = {}
    required: tuple[str, ...] = ()
    checks_properties: bool = True
    finish: Callable[[dict[str, Any]], None] | None = None
    has_name: bool = False


def _flatten_arguments(properties: dict[str, Any]) -> None:
    """Repeat the arguments of a contract call as properties of their own, which are easier to query."""
    for name, value in (properties.get("function_args") or {}).items():
        # An argument called `to` or `value` must not be taken for the transaction's, nor `volume` for money.
        if name not in properties and name not in _TRANSACTION and name not in AMOUNTS:
            properties[name] = value


_WALLET: Mapping[str, rules.Check] = dict.fromkeys(WalletProperties.__annotations__, rules.non_empty_text)
_CHAIN: Mapping[str, rules.Check] = {"chain_id": rules.chain_id}
_TRANSACTION: Mapping[str, rules.Check] = {
    **_CHAIN,
    "status": rules.one_of(TransactionStatus),
    "to": rules.address,
    "value": rules.chain_value,
    "data": rules.call_data,
    "transaction_hash": rules.transaction_hash,
    "function_name": rules.non_empty_text,
    "function_args": rules.arguments,
    "builder_codes": rules.codes,
}

EVENT_TYPES: Mapping[str, EventType] = {
    "track": EventType(has_name=True, checks_properties=False),
    "identify": EventType(needs_address=True, reserved=_WALLET, checks_properties=False),
    "page": EventType(reserved=dict.fromkeys(PageProperties.__annotations__, rules.any_text)),
    "detect": EventType(reserved=_WALLET, required=("provider_name", "rdns")),
    "connect": EventType(needs_address=True, reserved=_CHAIN, required=("chain_id",)),
    "disconnect": EventType(reserved=_CHAIN),
    "chain": EventType(needs_address=True, reserved=_CHAIN, required=("chain_id",)),
    "signature": EventType(
        needs_address=True,
        reserved={**_CHAIN, "status": rules.one_of(SignatureStatus), "message": rules.any_text},
        required=("chain_id", "status"),
    ),
    "transaction": EventType(
        needs_address=True,
        reserved=_TRANSACTION,
        required=("chain_id", "status"),
        finish=_flatten_arguments,
    ),
}
