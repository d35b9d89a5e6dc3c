"""Check the properties that Formo reserves for its own event types.

A check takes the field's name, a value copied by `values`, and the chain id or None. It returns what is sent, or raises
a ValidationError.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from formo_lambda.errors import ValidationError
from formo_lambda.events import addresses
from formo_lambda.events.convert import MAX_SAFE_INTEGER
from formo_lambda.events.identifiers import non_empty

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Check: TypeAlias = Callable[[str, Any, int | None], object]

#: The largest value a transaction can carry: that of a uint256.
MAX_VALUE = 2**256 - 1

_VALUE_RULE = "must be a whole number of the chain's smallest unit below 2**256: an int, decimal digits or 0x hex"

_HEX_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*").fullmatch
_HEX_HASH = re.compile(r"0x[0-9a-fA-F]{64}").fullmatch
# Bounded, since int() refuses very long strings, or is slow.
_HEX_VALUE = re.compile(r"0x[0-9a-fA-F]{1,64}").fullmatch
_DECIMAL_VALUE = re.compile(r"[0-9]{1,80}").fullmatch


def chain_id(field: str, value: Any, _: int | None) -> int:
    """Take a positive integer: 900001 to 900004 are Solana's, all others are of EVM chains."""
    if type(value) is not int or not 0 < value <= MAX_SAFE_INTEGER:
        raise ValidationError(field, "must be a positive integer")
    return value


def non_empty_text(field: str, value: Any, _: int | None) -> str:
    """Take a string of at least one character."""
    return non_empty(field, value)


def any_text(field: str, value: Any, _: int | None) -> str:
    """Take a string, which may be empty."""
    if type(value) is not str:
        raise ValidationError(field, "must be a string")
    return value


def one_of(literal: object) -> Check:
    """Return the check for the values of a `Literal`."""
    choices = get_args(literal)

    def check(field: str, value: Any, _: int | None) -> str:
        if type(value) is not str or value not in choices:
            raise ValidationError(field, f"must be one of {', '.join(choices)}")
        return value

    return check


def address(field: str, value: Any, chain: int | None) -> str:
    """Take an address on the event's chain, a contract's or a burn address too."""
    found = addresses.recognise(field, value)
    addresses.require_family(field, found, chain)
    return found.text


def transaction_hash(field: str, value: Any, chain: int | None) -> str:
    """Take the hash of an EVM transaction, 32 bytes in hex, or a Solana signature, 64 bytes in base58."""
    if chain in addresses.SOLANA_CHAIN_IDS:
        if type(value) is str and 64 <= len(value) <= 88 and addresses.base58_length(value) == 64:
            return value
        raise ValidationError(field, "must be a Solana transaction signature (base58 of 64 bytes)")
    if type(value) is str and _HEX_HASH(value):
        return value
    raise ValidationError(field, "must be a transaction hash (0x followed by 64 hex characters)")


def call_data(field: str, value: Any, chain: int | None) -> str:
    """Take calldata in hex; on Solana, which has no standard form, any string."""
    if chain in addresses.SOLANA_CHAIN_IDS:
        return any_text(field, value, chain)
    if type(value) is str and _HEX_DATA(value):
        return value
    raise ValidationError(field, "must be calldata (0x followed by an even number of hex characters)")


def chain_value(field: str, value: Any, _: int | None) -> str:
    """Take an amount in the chain's smallest unit: a whole number is sent as decimal digits, a string as it is."""
    if type(value) is float and value.is_integer():
        if abs(value) > MAX_SAFE_INTEGER:
            raise ValidationError(field, "must be an int: a float of this size has lost digits")
        value = int(value)
    if type(value) is int:
        value = str(value)
    if type(value) is not str:
        raise ValidationError(field, _VALUE_RULE)
    if not _HEX_VALUE(value) and not (_DECIMAL_VALUE(value) and int(value) <= MAX_VALUE):
        raise ValidationError(field, _VALUE_RULE)
    return value


def arguments(field: str, value: Any, _: int | None) -> dict[str, Any]:
    """Take the decoded arguments of a contract call, by name."""
    if type(value) is not dict:
        raise ValidationError(field, "must be an object if provided")
    return value


def codes(field: str, value: Any, _: int | None) -> str:
    """Take builder codes (ERC-8021): a string with commas, or a list, which becomes such a string."""
    rule = "must be a string of comma-separated codes, or a list of codes"
    if type(value) is list:
        value = ",".join(non_empty(field, code, rule) for code in value)
    return non_empty(field, value, rule)
