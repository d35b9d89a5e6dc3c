"""Keccak-256: known answers, and agreement with an independent implementation."""

from __future__ import annotations

import pytest
from Crypto.Hash import keccak
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda.events.keccak import keccak_256

KNOWN = {
    b"": "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    b"abc": "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    b"testing": "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02",
    b"transfer(address,uint256)": "a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b",
}


def _independent(data: bytes) -> bytes:
    return bytes(keccak.new(digest_bits=256, data=data).digest())


@pytest.mark.parametrize("data", KNOWN)
def test_known_answers(data: bytes) -> None:
    """Published digests come out."""
    assert keccak_256(data).hex() == KNOWN[data]


@pytest.mark.parametrize("length", [*range(134, 139), *range(270, 275), 1000])
def test_lengths_around_a_block(length: int) -> None:
    """The padding is right on either side of a block's end."""
    data = bytes(i % 251 for i in range(length))
    assert keccak_256(data) == _independent(data)


@given(st.binary(max_size=300))
def test_agrees_with_an_independent_implementation(data: bytes) -> None:
    """Whatever the data, the digest is the one that another implementation computes."""
    assert keccak_256(data) == _independent(data)
