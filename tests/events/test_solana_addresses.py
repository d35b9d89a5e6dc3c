"""Solana addresses, and which chain takes which kind of address."""

from __future__ import annotations

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.events import addresses
from tests.events.building import ADDRESS, CHECKSUMMED, SOLANA_ADDRESS, built, refusal

SYSVAR_CLOCK = "SysvarC1ock11111111111111111111111111111111"


@given(st.text(alphabet="123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0OIl", max_size=60))
def test_base58_agrees_with_an_independent_decoder(text: str) -> None:
    """A text stands for as many bytes as another decoder finds in it, or for none."""
    try:
        expected = len(base58.b58decode(text)) if text else None
    except ValueError:
        expected = None
    assert addresses.base58_length(text) == expected


@given(st.binary(min_size=28, max_size=36))
def test_only_32_bytes_are_an_address(raw: bytes) -> None:
    """Base58 of 32 bytes is sent as it is; of any other length it is refused."""
    text = base58.b58encode(raw).decode()
    if len(raw) == 32 and any(raw):
        assert built("identify", address=text)["address"] == text
    else:
        assert refusal("identify", address=text).field == "address"


@pytest.mark.parametrize("event_type", ["track", "identify"])
def test_case_is_kept_and_blanks_are_trimmed(event_type: str) -> None:
    """The letters of a Solana address keep their case; blanks around it do not matter."""
    assert built(event_type, event="Swap", address=f" {SOLANA_ADDRESS}\n")["address"] == SOLANA_ADDRESS


def test_listed_programs_are_well_formed() -> None:
    """Every address on the list of programs stands for 32 bytes, so the list can be hit."""
    assert all(len(base58.b58decode(program)) == 32 for program in addresses._SOLANA_BLOCKED)


@pytest.mark.parametrize("program", [*sorted(addresses._SOLANA_BLOCKED), SYSVAR_CLOCK])
def test_programs_are_no_users(program: str) -> None:
    """System programs, sysvars and the burn address are refused as wallets."""
    refused = refusal("track", event="Swap", address=program)
    assert (refused.field, refused.reason) == ("address", "must be a wallet, not a system program of Solana")


@pytest.mark.parametrize("chain", [900_001, 900_002, 900_003, 900_004])
def test_solana_chains_demand_solana_addresses(chain: int) -> None:
    """On Solana's chain ids a Solana address is sent, an Ethereum one refused."""
    assert built("connect", address=SOLANA_ADDRESS, reserved={"chain_id": chain})["address"] == SOLANA_ADDRESS
    refused = refusal("connect", address=ADDRESS, reserved={"chain_id": chain})
    assert (refused.field, refused.reason) == ("address", addresses.SOLANA_RULE)


@pytest.mark.parametrize("chain", [1, 137, 8453, 900_000, 900_005])
def test_other_chains_demand_ethereum_addresses(chain: int) -> None:
    """On any other chain id an Ethereum address is sent, a Solana one refused."""
    assert built("connect", address=ADDRESS, reserved={"chain_id": chain})["address"] == CHECKSUMMED
    refused = refusal("connect", address=SOLANA_ADDRESS, reserved={"chain_id": chain})
    assert (refused.field, refused.reason) == ("address", addresses.ETHEREUM_RULE)


def test_a_track_event_names_chains_as_it_likes() -> None:
    """In a track event `chain_id` is a property like any other."""
    event = built("track", event="Swap", address=SOLANA_ADDRESS, properties={"chain_id": 1})
    assert (event["address"], event["properties"]) == (SOLANA_ADDRESS, {"chain_id": 1})
