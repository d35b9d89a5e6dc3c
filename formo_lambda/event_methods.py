"""One method for each type of event: what `FormoAnalytics` offers beside sending."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from formo_lambda.types import Channel, CommonFields, SignatureStatus, TransactionStatus

if TYPE_CHECKING:
    import datetime as dt
    import uuid

    import typing_extensions
else:
    from formo_lambda.lazy import dt, typing_extensions, uuid

_COMMON = frozenset(CommonFields.__annotations__)


class EventMethods(ABC):
    """The event methods of a client. What each type demands stands in `formo_lambda.events.event_types`.

    Every method takes, beside what is the type's own, the fields that all events have: see
    `formo_lambda.types.CommonFields`.
    """

    def track(
        self,
        event: str,
        *,
        address: str | None = None,
        anonymous_id: str | uuid.UUID | None = None,
        user_id: str | None = None,
        properties: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        timestamp: dt.datetime | float | None = None,
        session_id: str | None = None,
        message_id: str | uuid.UUID | None = None,
        channel: Channel | None = None,
    ) -> str:
        """Record that something happened.

        Four property names are reserved, because Formo computes with them: its dashboards add up `revenue`, `volume`
        and `points`, and read `revenue` in its `currency`. So the first three must be numbers, or strings that are;
        `revenue` is never negative, and above 100 000 000 Formo records 0; `currency` is an ISO 4217 code, "usd" if
        absent beside a revenue. None leaves an amount out. All other names are yours: see
        `formo_lambda.types.TrackProperties`.

        Args:
            event: What happened, such as "Swap Completed".
            address: The wallet: an Ethereum address (its checksum is set right) or a Solana address.
            anonymous_id: A UUID of the visitor; a new one if None.
            user_id: Your own id of the user.
            properties: Whatever describes the event; copied now.
            context: The end user's surroundings, such as `user_agent`, `locale`, `location`; copied now. See
                `request_context`.
            timestamp: When it happened, from 2015 to now: a datetime (a naive one is UTC) or seconds since the epoch;
                now if None.
            session_id: The end user's session. Without one, Formo derives sessions from the network address and the
                user agent of the sender, which is your backend: all users fall into one session a day.
            message_id: What Formo deduplicates by, for imports that may be repeated: 1 to 255 printable ASCII
                characters without blanks; a new one if None.
            channel: Where it comes from: "server", "api", or "import" for past events; the client's if None.

        Returns:
            The message_id; empty where the event was dropped: its address is no wallet, such as the zero address, or it
            is invalid and the client has `on_invalid="log"`.

        Raises:
            ValidationError: An argument breaks a rule; nothing was recorded.
        """
        return self._record(
            "track",
            event=event,
            address=address,
            anonymous_id=anonymous_id,
            user_id=user_id,
            properties=properties,
            context=context,
            timestamp=timestamp,
            session_id=session_id,
            message_id=message_id,
            channel=channel,
        )

    def identify(
        self,
        address: str,
        *,
        anonymous_id: str | uuid.UUID | None = None,
        user_id: str | None = None,
        properties: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        timestamp: dt.datetime | float | None = None,
        session_id: str | None = None,
        message_id: str | uuid.UUID | None = None,
        channel: Channel | None = None,
    ) -> str:
        """Say who is behind a wallet.

        Args:
            address: The wallet: an Ethereum address or a Solana address.
            anonymous_id: A UUID of the visitor; a new one if None.
            user_id: Your own id of the user.
            properties: Traits: `display_name`, `email`, `ens`, `twitter` and the like, and of the wallet software
                `provider_name` and `rdns`; copied now. See `formo_lambda.types.IdentifyProperties`.
            context: The end user's surroundings; copied now. See `request_context`.
            timestamp: When it became known, from 2015 to now: a datetime (a naive one is UTC) or seconds since the
                epoch; now if None.
            session_id: The end user's session.
            message_id: What Formo deduplicates by: 1 to 255 printable ASCII characters without blanks; a new one if
                None.
            channel: Where it comes from: "server", "api", or "import" for past events; the client's if None.

        Returns:
            The message_id; empty where the event was dropped: its address is no wallet, such as the zero address, or it
            is invalid and the client has `on_invalid="log"`.

        Raises:
            ValidationError: An argument breaks a rule; nothing was recorded.
        """
        return self._record(
            "identify",
            address=address,
            anonymous_id=anonymous_id,
            user_id=user_id,
            properties=properties,
            context=context,
            timestamp=timestamp,
            session_id=session_id,
            message_id=message_id,
            channel=channel,
        )

    def page(
        self,
        *,
        url: str | None = None,
        path: str | None = None,
        query: str | None = None,
        hash: str | None = None,  # noqa: A002 -- the name of Formo's property
        name: str | None = None,
        category: str | None = None,
        title: str | None = None,
        address: str | None = None,
        **common: typing_extensions.Unpack[CommonFields],
    ) -> str:
        """Record that a page or a screen was seen.

        For pages that the backend renders; the end user's side of it goes into `context`, see `request_context`.

        Args:
            url: The whole URL of the page. It is sent as it is: leave out what is secret.
            path: The path of the URL, without query and hash.
            query: The query of the URL, without its "?".
            hash: The fragment of the URL, with its "#".
            name: The name of the page or screen, such as "Swap".
            category: The category of the page or screen, such as "Trade".
            title: The title of the page.
            address: The wallet, where one is known.
            common: `anonymous_id`, `user_id`, `properties`, `context`, `timestamp`, `session_id`, `message_id`,
                `channel`.

        Returns:
            The message_id; empty where the event was dropped: its address is no wallet, such as the zero address, or it
            is invalid and the client has `on_invalid="log"`.

        Raises:
            ValidationError: An argument breaks a rule; nothing was recorded.
            TypeError: There is no argument of that name.
        """
        reserved = {
            "url": url,
            "path": path,
            "query": query,
            "hash": hash,
            "name": name,
            "category": category,
            "title": title,
        }
        return self._typed("page", address, reserved, common)

    def detect(
        self,
        *,
        provider_name: str,
        rdns: str,
        address: str | None = None,
        **common: typing_extensions.Unpack[CommonFields],
    ) -> str:
        """Record that a visitor's wallet software was found, connected or not.

        Args:
            provider_name: Its name, such as "MetaMask".
            rdns: Its identifier in reverse domain name notation (EIP-6963), such as "io.metamask".
            address: The wallet, where one is known.
            common: `anonymous_id`, `user_id`, `properties`, `context`, `timestamp`, `session_id`, `message_id`,
                `channel`.

        Returns:
            The message_id; empty where the event was dropped: its address is no wallet, such as the zero address, or it
            is invalid and the client has `on_invalid="log"`.

        Raises:
            ValidationError: An argument breaks a rule; nothing was recorded.
            TypeError: There is no argument of that name, or a required one is missing.
        """
        return self._typed("detect", address, {"provider_name": provider_name, "rdns": rdns}, common)

    def connect(self, address: str, *, chain_id: int, **common: typing_extensions.Unpack[CommonFields]) -> str:
        """Record that a wallet was connected, as at a login with it.

        Args:
            address: The wallet: an Ethereum address, or a Solana address on one of Solana's chains.
            chain_id: The chain's positive number; 900001 to 900004 are Solana's mainnet-beta, testnet, devnet and
                localnet, all others EVM chains.
            common: `anonymous_id`, `user_id`, `properties`, `context`, `timestamp`, `session_id`, `message_id`,
                `channel`.

        Returns:
            The message_id; empty where the event was dropped: its address is no wallet, such as the zero address, or it
            is invalid and the client has `on_invalid="log"`.

        Raises:
            ValidationError: An argument breaks a rule, or the address cannot exist on the chain; nothing was recorded.
            TypeError: There is no argument of that name, or a required one is missing.
        """
        return self._typed("connect", address, {"chain_id": chain_id}, common)

    def disconnect(
        self,
        address: str | None = None,
        *,
        chain_id: int | None = None,
        **common: typing_extensions.Unpack[CommonFields],
    ) -> str:
        """Record that a wallet was disconnected, as at a logout.

        Args:
            address: The wallet, where it is still known.
            chain_id: The chain's positive number, where it is still known; 900001 to 900004 are Solana's.
            common: `anonymous_id`, `user_id`, `properties`, `context`, `timestamp`, `session_id`, `message_id`,
                `channel`.

        Returns:
            The message_id; empty where the event was dropped: its address is no wallet, such as the zero address, or it
            is invalid and the client has `on_invalid="log"`.

        Raises:
            ValidationError: An argument breaks a rule, or the address cannot exist on the chain; nothing was recorded.
            TypeError: There is no argument of that name.
        """
        return self._typed("disconnect", address, {"chain_id": chain_id}, common)

    def chain(self, address: str, *, chain_id: int, **common: typing_extensions.Unpack[CommonFields]) -> str:
        """Record that a wallet was switched to another chain.

        Args:
            address: The wallet.
            chain_id: The positive number of the chain it is on now; 900001 to 900004 are Solana's.
            common: `anonymous_id`, `user_id`, `properties`, `context`, `timestamp`, `session_id`, `message_id`,
                `channel`.

        Returns:
            The message_id; empty where the event was dropped: its address is no wallet, such as the zero address, or it
            is invalid and the client has `on_invalid="log"`.

        Raises:
            ValidationError: An argument breaks a rule, or the address cannot exist on the chain; nothing was recorded.
            TypeError: There is no argument of that name, or a required one is missing.
        """
        return self._typed("chain", address, {"chain_id": chain_id}, common)

    def signature(
        self,
        address: str,
        *,
        chain_id: int,
        status: SignatureStatus,
        message: str | None = None,
        **common: typing_extensions.Unpack[CommonFields],
    ) -> str:
        """Record how far a request for a signature came.

        Args:
            address: The wallet that was asked to sign.
            chain_id: The chain's positive number; 900001 to 900004 are Solana's.
            status: "requested", "rejected" or "confirmed".
            message: What was to be signed, such as EIP-712 typed data as JSON text. Leave out what is secret in it.
            common: `anonymous_id`, `user_id`, `properties`, `context`, `timestamp`, `session_id`, `message_id`,
                `channel`.

        Returns:
            The message_id; empty where the event was dropped: its address is no wallet, such as the zero address, or it
            is invalid and the client has `on_invalid="log"`.

        Raises:
            ValidationError: An argument breaks a rule, or the address cannot exist on the chain; nothing was recorded.
            TypeError: There is no argument of that name, or a required one is missing.
        """
        reserved = {"chain_id": chain_id, "status": status, "message": message}
        return self._typed("signature", address, reserved, common)

    def transaction(
        self,
        address: str,
        *,
        chain_id: int,
        status: TransactionStatus,
        transaction_hash: str | bytes | None = None,
        to: str | None = None,
        value: int | str | None = None,
        data: str | bytes | None = None,
        function_name: str | None = None,
        function_args: Mapping[str, object] | None = None,
        builder_codes: str | Sequence[str] | None = None,
        **common: typing_extensions.Unpack[CommonFields],
    ) -> str:
        """Record how far a transaction came.

        What it earned you is no part of it: `track` an event with `revenue` beside it.

        Args:
            address: The wallet that sends it.
            chain_id: The chain's positive number; 900001 to 900004 are Solana's.
            status: "started", "broadcasted", "confirmed", "reverted" or "rejected".
            transaction_hash: 0x and 64 hex characters; on Solana the signature, base58 of 64 bytes. It is known from
                "broadcasted" on.
            to: The address it goes to, a contract's perhaps; None for one that creates a contract.
            value: What it moves, in the chain's smallest unit, such as wei: an int, decimal digits or 0x hex, below
                2**256. An int is sent as decimal digits, so that none is lost.
            data: Its calldata: 0x and an even number of hex characters, or bytes; on Solana any text.
            function_name: The function it calls, decoded.
            function_args: The function's arguments by name. Each is also repeated beside the other properties, where
                it is easier to query; it replaces none that is there, and none of the names above.
            builder_codes: The builder codes (ERC-8021) in its calldata: one text with commas, or a sequence.
            common: `anonymous_id`, `user_id`, `properties`, `context`, `timestamp`, `session_id`, `message_id`,
                `channel`.

        Returns:
            The message_id; empty where the event was dropped: its address is no wallet, such as the zero address, or it
            is invalid and the client has `on_invalid="log"`.

        Raises:
            ValidationError: An argument breaks a rule, or an address cannot exist on the chain; nothing was recorded.
            TypeError: There is no argument of that name, or a required one is missing.
        """
        reserved = {
            "chain_id": chain_id,
            "status": status,
            "transaction_hash": transaction_hash,
            "to": to,
            "value": value,
            "data": data,
            "function_name": function_name,
            "function_args": function_args,
            "builder_codes": builder_codes,
        }
        return self._typed("transaction", address, reserved, common)

    def _typed(self, kind: str, address: str | None, reserved: Mapping[str, object], common: CommonFields) -> str:
        # A misspelt name must fail at the caller's line, as it does with the named arguments.
        for name in common:
            if name not in _COMMON:
                raise TypeError(f"{kind}() got an unexpected keyword argument {name!r}")
        return self._record(kind, address=address, reserved=reserved, **common)

    @abstractmethod
    def _record(self, kind: str, *, message_id: object = None, channel: object = None, **fields: Any) -> str:
        """Validate, build and buffer one event; return its message_id."""
