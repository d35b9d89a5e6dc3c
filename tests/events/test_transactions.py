"""Transaction events: addresses, hashes, amounts and arguments of calls."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import base58
import pytest

from tests.events.building import ADDRESS, CHECKSUMMED, SOLANA_ADDRESS, SOLANA_CHAIN, built, refusal

SOLANA_SIGNATURE = base58.b58encode(bytes(range(64))).decode()
ZERO = "0x" + "0" * 40
HASH = "0x" + "aB" * 32

NO_VALUES: dict[str, object] = {
    "negative": -1,
    "negative digits": "-1",
    "257 bits": 2**256,
    "257 bits as digits": str(2**256),
    "257 bits as hex": "0x1" + "0" * 64,
    "fraction": 1.5,
    "decimal fraction": Decimal("0.5"),
    "float that has lost digits": 2.0**53,
    "float that is as large as wei": 1e18,
    "bool": True,
    "empty": "",
    "point": "1.0",
    "exponent": "1e18",
    "prefix alone": "0x",
    "underscore": "1_0",
    "other digits": "\u0661",
    "blank": "1 ",
    "endless digits": "9" * 5000,
    "endless integer": 10**5000,
    "no bytes": b"",
    "list": [1],
}


def sent(**reserved: Any) -> Any:
    """Return the properties of an Ethereum transaction as a reader sees them."""
    return built("transaction", address=ADDRESS, reserved={"chain_id": 1, "status": "confirmed", **reserved})[
        "properties"
    ]


def sent_on_solana(**reserved: Any) -> Any:
    """Return the properties of a Solana transaction as a reader sees them."""
    all_reserved = {"chain_id": SOLANA_CHAIN, "status": "confirmed", **reserved}
    return built("transaction", address=SOLANA_ADDRESS, reserved=all_reserved)["properties"]


def refused(**reserved: Any) -> str:
    """Return the field that an Ethereum transaction is refused for."""
    given = {"chain_id": 1, "status": "confirmed", **reserved}
    return refusal("transaction", address=ADDRESS, reserved=given).field


def refused_on_solana(**reserved: Any) -> str:
    """Return the field that a Solana transaction is refused for."""
    given = {"chain_id": SOLANA_CHAIN, "status": "confirmed", **reserved}
    return refusal("transaction", address=SOLANA_ADDRESS, reserved=given).field


class TestRecipient:
    """The address a transaction goes to."""

    def test_any_address_of_the_chain(self) -> None:
        """A recipient gets its checksum; it may be a contract or the zero address, which no user can be."""
        assert sent(to=ADDRESS)["to"] == CHECKSUMMED
        assert sent(to=ZERO)["to"] == ZERO
        assert sent_on_solana(to="11111111111111111111111111111111")["to"] == "1" * 32

    def test_nothing_else(self) -> None:
        """What is no address, or one of another chain, is refused."""
        assert refused(to="vitalik.eth") == "to"
        assert refused(to=SOLANA_ADDRESS) == "to"
        assert refused_on_solana(to=ADDRESS) == "to"


class TestHash:
    """The hash of the transaction."""

    def test_of_the_chain(self) -> None:
        """32 bytes in hex on an EVM chain, also as bytes; 64 bytes in base58 on Solana. The case is kept."""
        assert sent(transaction_hash=HASH)["transaction_hash"] == HASH
        assert sent(transaction_hash=bytes.fromhex(HASH[2:]))["transaction_hash"] == HASH.lower()
        assert sent_on_solana(transaction_hash=SOLANA_SIGNATURE)["transaction_hash"] == SOLANA_SIGNATURE

    @pytest.mark.parametrize(
        "wrong", [HASH[:-1], HASH + "0", HASH[2:], "0X" + HASH[2:], HASH + "\n", "", 1, SOLANA_SIGNATURE]
    )
    def test_nothing_else_on_evm(self, wrong: object) -> None:
        """Anything else is refused on an EVM chain."""
        assert refused(transaction_hash=wrong) == "transaction_hash"

    @pytest.mark.parametrize(
        "wrong", [HASH, SOLANA_ADDRESS, SOLANA_SIGNATURE[:-2], SOLANA_SIGNATURE + "\n", "1" * 65, 1]
    )
    def test_nothing_else_on_solana(self, wrong: object) -> None:
        """Anything else is refused on Solana."""
        assert refused_on_solana(transaction_hash=wrong) == "transaction_hash"


class TestValue:
    """The amount a transaction moves."""

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0, "0"),
            (10**18, "1000000000000000000"),
            (2**256 - 1, str(2**256 - 1)),
            (Decimal(10) ** 18, "1000000000000000000"),
            (Decimal(25_000 * 10**18), "25000000000000000000000"),
            (Decimal("1.5") * 10**18, "1500000000000000000"),
            (float(2**53 - 1), "9007199254740991"),
            (Decimal(2**256 - 1), str(2**256 - 1)),
            ("1000000000000000000", "1000000000000000000"),
            ("0xDe0B6b3", "0xDe0B6b3"),
            ("0x" + "f" * 64, "0x" + "f" * 64),
        ],
        ids=lambda value: repr(value)[:40],
    )
    def test_whole_amounts_to_the_last_digit(self, value: object, text: str) -> None:
        """It goes out as text: an integer as its digits, digits and hex as they are."""
        assert sent(value=value)["value"] == text
        properties = {"chain_id": 1, "status": "started", "value": value}
        assert built("transaction", address=ADDRESS, properties=properties)["properties"]["value"] == text

    @pytest.mark.parametrize("value", NO_VALUES.values(), ids=NO_VALUES)
    def test_nothing_else(self, value: object) -> None:
        """Fractions, negatives, what exceeds 256 bits and other notations are refused."""
        assert refused(value=value) == "value"


class TestData:
    """The calldata."""

    def test_hex(self) -> None:
        """Hex of whole bytes, or bytes, on an EVM chain; any text on Solana."""
        assert sent(data="0x")["data"] == "0x"
        assert sent(data=b"\xa9\x05")["data"] == "0xa905"
        assert sent_on_solana(data="3Bxs4h24hBtQy9rw")["data"] == "3Bxs4h24hBtQy9rw"

    @pytest.mark.parametrize("wrong", ["0x1", "a905", "0xzz", "", 5])
    def test_nothing_else(self, wrong: object) -> None:
        """Anything else is refused."""
        assert refused(data=wrong) == "data"


class TestArguments:
    """The decoded arguments of the call."""

    def test_they_are_repeated_at_the_top(self) -> None:
        """Each stands in function_args and beside the other properties, with its worth kept and its case too."""
        properties = sent(function_name="swap", function_args={"amountIn": 2**200, "path": ["a", b"\x01"]})
        arguments = {"amountIn": str(2**200), "path": ["a", "0x01"]}
        assert properties["function_args"] == arguments
        assert {name: properties[name] for name in arguments} == arguments

    def test_they_replace_nothing(self) -> None:
        """An argument named like a property of the caller or of the transaction stays in function_args."""
        arguments = {"to": "0xother", "value": 5, "chain_id": 7, "note": "theirs", "amount": 1}
        event = built(
            "transaction",
            address=ADDRESS,
            properties={"note": "mine"},
            reserved={"chain_id": 1, "status": "confirmed", "to": ADDRESS, "function_args": arguments},
        )
        properties = event["properties"]
        assert (properties["to"], properties["chain_id"], properties["note"]) == (CHECKSUMMED, 1, "mine")
        assert properties["amount"] == 1
        assert properties["function_args"] == arguments

    def test_they_do_not_pose_as_the_transaction(self) -> None:
        """Where the transaction's own `value` or `to` is not given, an argument of that name does not replace it."""
        properties = sent(function_name="transfer", function_args={"to": "0xother", "value": 5})
        assert properties.keys() == {"chain_id", "status", "function_name", "function_args"}

    def test_they_do_not_pose_as_money(self) -> None:
        """An argument called like an amount stays in function_args; an amount of the caller's is checked."""
        arguments = {"volume": 5, "revenue": 10**30, "points": 1, "currency": "EUR", "amount": 2}
        properties = sent(function_args=arguments)
        assert properties.keys() == {"chain_id", "status", "function_args", "amount"}
        reserved = {"chain_id": 1, "status": "confirmed", "function_args": arguments}
        event = built("transaction", address=ADDRESS, properties={"volume": "7"}, reserved=reserved)
        assert event["properties"]["volume"] == 7
        wrong = refusal("transaction", address=ADDRESS, properties={"revenue": -1}, reserved=reserved)
        assert wrong.field == "properties.revenue"

    def test_none_are_fine(self) -> None:
        """An empty mapping of arguments, or none at all, adds nothing."""
        assert sent(function_args={}) == {"chain_id": 1, "status": "confirmed", "function_args": {}}
        assert sent(function_args=None) == {"chain_id": 1, "status": "confirmed"}
        event = built(
            "transaction", address=ADDRESS, properties={"chain_id": 1, "status": "started", "function_args": None}
        )
        assert event["properties"]["function_args"] is None

    def test_their_paths(self) -> None:
        """What cannot be sent is named by its path, from the argument on."""
        assert refused(function_args={"a": [object()]}) == "function_args.a[0]"
        assert refused(function_args=[1]) == "function_args"


class TestBuilderCodes:
    """Who built the app."""

    def test_forms(self) -> None:
        """One text, or a list that becomes one."""
        assert sent(builder_codes="uniswap,base")["builder_codes"] == "uniswap,base"
        assert sent(builder_codes=("uniswap", "base"))["builder_codes"] == "uniswap,base"

    @pytest.mark.parametrize("wrong", ["", [""], [1], 1, {"a": "b"}], ids=repr)
    def test_nothing_else(self, wrong: object) -> None:
        """Anything else is refused."""
        assert refused(builder_codes=wrong) == "builder_codes"
