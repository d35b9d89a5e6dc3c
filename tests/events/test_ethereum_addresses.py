"""Ethereum addresses: what is accepted, refused and warned about."""

from __future__ import annotations

import logging

import pytest
from Crypto.Hash import keccak
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.events import addresses
from tests.events.building import ADDRESS, CHECKSUMMED, built, refusal

NODE_REASON = "must be a valid Ethereum address (0x followed by 40 hex characters)"


NO_ADDRESSES = {
    "none": None,
    "empty": "",
    "blanks": "  ",
    "39 digits": ADDRESS[:-1],
    "41 digits": ADDRESS + "0",
    "no prefix": ADDRESS[2:],
    "upper-case prefix": "0X" + ADDRESS[2:],
    "fullwidth letters": ADDRESS.replace("a", "\uff41"),
    "underscore": ADDRESS[:-2] + "_1",
    "a blank to Python only": ADDRESS + "\x1c",
    "name": "vitalik.eth",
    "very long": "0x" + "a" * 1_000_000,
    "bytes": ADDRESS.encode(),
    "zero": 0,
    "number": int(ADDRESS, 16),
    "bool": True,
    "list": [ADDRESS],
}


class LoudText(str):
    """A string whose own methods must not be asked."""

    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError

    def strip(self, _: object = None) -> str:
        """Raise."""
        raise RuntimeError


def _independent_checksum(address: str) -> str:
    digits = address[2:].lower()
    digest = keccak.new(digest_bits=256, data=digits.encode()).hexdigest()
    return "0x" + "".join(c.upper() if int(d, 16) > 7 else c for c, d in zip(digits, digest, strict=False))


@given(st.binary(min_size=20, max_size=20))
def test_checksum_of_any_address(raw: bytes) -> None:
    """Any address but a blocked one goes out in the form that an independent Keccak gives it."""
    address = "0x" + raw.hex()
    if int(raw.hex(), 16) not in {0, 0xDEAD}:
        assert built("identify", address=address)["address"] == _independent_checksum(address)


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\ufeff"])
def test_blanks_are_trimmed(blank: str) -> None:
    """Blanks around an address do not matter."""
    assert built("identify", address=f"{blank}{ADDRESS}{blank}")["address"] == CHECKSUMMED


def test_string_subclass() -> None:
    """A subclass of str counts as the characters it has."""
    assert built("identify", address=LoudText(ADDRESS))["address"] == CHECKSUMMED


@pytest.mark.parametrize("address", NO_ADDRESSES.values(), ids=NO_ADDRESSES)
def test_what_is_no_address(address: object) -> None:
    """Anything else is refused with the official SDK's reason, which does not quote the value."""
    refused = refusal("identify", address=address)
    assert (refused.field, refused.reason) == ("address", NODE_REASON)


@pytest.mark.parametrize("digits", ["0" * 40, "0" * 36 + "dead", "0" * 36 + "dEaD"])
@pytest.mark.parametrize("event_type", ["track", "identify"])
def test_addresses_that_nobody_holds(digits: str, event_type: str) -> None:
    """The zero address and the burn address are no users."""
    refused = refusal(event_type, event="Swap", address="0x" + digits)
    assert (refused.field, refused.reason) == ("address", "must be a wallet, not the zero address or a burn address")


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        (ADDRESS, False),
        (CHECKSUMMED, False),
        ("0x" + ADDRESS[2:].upper(), False),
        ("0x" + CHECKSUMMED[2:].swapcase(), True),
        (ADDRESS[:2] + "A" + ADDRESS[3:], True),
        (CHECKSUMMED[:2] + "a" + CHECKSUMMED[3:], True),
    ],
)
def test_wrong_checksum_is_warned_about(address: str, *, warned: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Mixed case that is not the checksum's is corrected, with one warning each time; it names the field alone."""
    with caplog.at_level(logging.WARNING, logger="formo_lambda"):
        for _ in range(2):
            assert built("identify", address=address)["address"] == CHECKSUMMED
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == (2 if warned else 0)
    assert all(text.startswith("address:") and address[2:8].lower() not in text.lower() for text in messages)


def test_the_cache_is_bounded() -> None:
    """However many wallets there are, a bounded number is remembered."""
    assert addresses._recognised.cache_info().maxsize == addresses.CACHED_ADDRESSES
    before = addresses._recognised.cache_info().currsize
    refusal("identify", address="x" * 1_000)
    assert addresses._recognised.cache_info().currsize == before
