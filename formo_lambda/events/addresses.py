"""Recognise addresses: hexadecimal ones of Ethereum and other EVM chains, base58 ones of Solana."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import NamedTuple

from formo_lambda.errors import ValidationError
from formo_lambda.events.identifiers import exact_text
from formo_lambda.events.keccak import keccak_256

logger = logging.getLogger("formo_lambda")

#: The chain ids under which Formo knows Solana: mainnet-beta, testnet, devnet, localnet. All others are EVM chains.
SOLANA_CHAIN_IDS = frozenset({900_001, 900_002, 900_003, 900_004})

#: What is trimmed around addresses and amounts: JavaScript's white space, as in Formo's other SDKs.
BLANKS = (
    "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
)

#: Most addresses in the cache, which saves the checksum in all but the first event of a wallet.
CACHED_ADDRESSES = 4096

ETHEREUM_RULE = "must be a valid Ethereum address (0x followed by 40 hex characters)"
SOLANA_RULE = "must be a valid Solana address (base58 of 32 bytes) on this chain"

_EVM = re.compile(r"0x[0-9a-fA-F]{40}").fullmatch
_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]+").fullmatch
_BASE58_VALUE = {c: i for i, c in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}

#: Addresses to which nobody has the key: the zero address and the usual burn address.
_EVM_BLOCKED = frozenset({"0x" + "0" * 40, "0x" + "0" * 36 + "dead"})

#: Programs of the Solana runtime and its standard library, and the burn address. None is a wallet.
_SOLANA_BLOCKED = frozenset(
    {
        "11111111111111111111111111111111",
        "1nc1nerator11111111111111111111111111111111",
        "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",
        "AddressLookupTab1e1111111111111111111111111",
        "BPFLoader1111111111111111111111111111111111",
        "BPFLoader2111111111111111111111111111111111",
        "BPFLoaderUpgradeab1e11111111111111111111111",
        "ComputeBudget111111111111111111111111111111",
        "Config1111111111111111111111111111111111111",
        "Ed25519SigVerify111111111111111111111111111",
        "Feature111111111111111111111111111111111111",
        "KeccakSecp256k11111111111111111111111111111",
        "LoaderV411111111111111111111111111111111111",
        "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr",
        "NativeLoader1111111111111111111111111111111",
        "Stake11111111111111111111111111111111111111",
        "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
        "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
        "Vote111111111111111111111111111111111111111",
    }
)


class NoWalletError(ValidationError):
    """The address of an event is one that nobody has the key to. It is data, not a mistake of the program."""


class Address(NamedTuple):
    """An address as it is sent.

    Attributes:
        text: The EIP-55 form of an Ethereum address; a Solana address as it was given.
        solana: Whether it is one of Solana.
        blocked: Why it cannot be a user's; empty for a wallet.
        mistyped: Whether its letters are in mixed case, but not in that of EIP-55.
    """

    text: str
    solana: bool
    blocked: str
    mistyped: bool


def wallet(value: object) -> Address:
    """Return the address of a user.

    Raises:
        ValidationError: It is no address.
        NoWalletError: Nobody has the key to it.
    """
    address = recognise("address", value)
    if address.blocked:
        raise NoWalletError("address", address.blocked)
    return address


def recognise(field: str, value: object) -> Address:
    """Return any address, including those of contracts and burn addresses.

    Raises:
        ValidationError: It is no address.
    """
    text = value if type(value) is str else exact_text(value)
    text = "" if text is None else text.strip(BLANKS)
    # The length comes first, so that no long text is decoded or cached.
    address = _recognised(text) if 32 <= len(text) <= 44 else None
    if address is None:
        raise ValidationError(field, ETHEREUM_RULE)
    if address.mistyped:
        logger.warning("%s: its checksum is wrong, so it may be mistyped; it is sent with the right one", field)
    return address


def require_family(field: str, address: Address, chain_id: int | None) -> None:
    """Check that an address can exist on a chain.

    Raises:
        ValidationError: One is of Solana, the other is not.
    """
    if chain_id is not None and address.solana != (chain_id in SOLANA_CHAIN_IDS):
        raise ValidationError(field, ETHEREUM_RULE if address.solana else SOLANA_RULE)


def base58_length(text: str) -> int | None:
    """Return how many bytes a base58 text encodes, or None if it is not base58."""
    if not _BASE58(text):
        return None
    number = 0
    for character in text:
        number = number * 58 + _BASE58_VALUE[character]
    zeros = len(text) - len(text.lstrip("1"))
    return zeros + (number.bit_length() + 7) // 8


@lru_cache(CACHED_ADDRESSES)
def _recognised(text: str) -> Address | None:
    if _EVM(text):
        return _ethereum(text)
    if base58_length(text) == 32:
        system = text in _SOLANA_BLOCKED or text.startswith("Sysvar")
        blocked = "must be a wallet, not a system program of Solana" if system else ""
        return Address(text, solana=True, blocked=blocked, mistyped=False)
    return None


def _ethereum(text: str) -> Address:
    lower = text.lower()
    digest = keccak_256(lower[2:].encode("ascii")).hex()
    checksummed = "0x" + "".join(c.upper() if d >= "8" else c for c, d in zip(lower[2:], digest, strict=False))
    mixed = text[2:] not in (lower[2:], lower[2:].upper())
    blocked = "must be a wallet, not the zero address or a burn address" if lower in _EVM_BLOCKED else ""
    return Address(checksummed, solana=False, blocked=blocked, mistyped=mixed and text != checksummed)
