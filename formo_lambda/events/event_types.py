"""The rules of each event type, as one table: a further type is a further line of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from formo_lambda.events import reserved as rules
from formo_lambda.events.amounts import normalise_amounts
from formo_lambda.types import PageProperties, SignatureStatus, TransactionStatus, WalletProperties

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Kind(NamedTuple):
    """What one event type demands beyond the rules for all.

    Attributes:
        needs_address: Whether the event is meaningless without a wallet.
        reserved: The type's own properties, each with its check. `chain_id` comes before what depends on the chain.
        required: Those of `reserved` that must be there.
        checks_properties: Whether reserved names in `properties` are checked as arguments are.
        finish: Called last with the copied properties and the caller's, to change the former in place.
        has_name: Whether the event carries a name of the caller's choice.
    """

    needs_address: bool = False
    reserved: Mapping[str, rules.Check] = {}
    required: tuple[str, ...] = ()
    checks_properties: bool = True
    finish: Callable[[dict[str, Any], Mapping[str, object]], None] | None = None
    has_name: bool = False


def _flatten_arguments(properties: dict[str, Any], _: Mapping[str, object]) -> None:
    """Repeat the arguments of a contract call beside the other properties, where they are easier to query."""
    for name, value in (properties.get("function_args") or {}).items():
        # An argument called `to` or `value` must not pass for the transaction's own.
        if name not in properties and name not in _TRANSACTION:
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

KINDS: Mapping[str, Kind] = {
    "track": Kind(has_name=True, checks_properties=False, finish=normalise_amounts),
    "identify": Kind(needs_address=True, reserved=_WALLET, checks_properties=False),
    "page": Kind(reserved=dict.fromkeys(PageProperties.__annotations__, rules.any_text)),
    "detect": Kind(reserved=_WALLET, required=("provider_name", "rdns")),
    "connect": Kind(needs_address=True, reserved=_CHAIN, required=("chain_id",)),
    "disconnect": Kind(reserved=_CHAIN),
    "chain": Kind(needs_address=True, reserved=_CHAIN, required=("chain_id",)),
    "signature": Kind(
        needs_address=True,
        reserved={**_CHAIN, "status": rules.one_of(SignatureStatus), "message": rules.any_text},
        required=("chain_id", "status"),
    ),
    "transaction": Kind(
        needs_address=True,
        reserved=_TRANSACTION,
        required=("chain_id", "status"),
        finish=_flatten_arguments,
    ),
}
