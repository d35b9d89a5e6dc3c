"""The types of the fields and properties of events, and of events as they are sent, for editors and type checkers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    import datetime as dt
    import decimal
    import uuid
else:
    from formo_lambda.lazy import decimal, dt, uuid

SignatureStatus = Literal["requested", "rejected", "confirmed"]
TransactionStatus = Literal["started", "broadcasted", "confirmed", "reverted", "rejected"]


#: Where an event comes from: a server, clients of your own API, or an import of past events.
Channel = Literal["server", "api", "import"]


class CommonFields(TypedDict, total=False):
    """The arguments of every event method."""

    anonymous_id: str | uuid.UUID | None
    """The visitor, as a UUID in any version. Default: a new one, so that events of one visitor are not connected."""
    user_id: str | None
    """Your own id of the user: a string of at least one character."""
    properties: Mapping[str, object] | None
    """Further facts about the event. Copied at once; names that Formo reserves are checked."""
    context: Mapping[str, object] | None
    """The end user's device, page and campaign, see `ContextFields`. Not the context object of AWS Lambda."""
    timestamp: dt.datetime | float | None
    """When it happened, from 2015 to now: a datetime (a naive one is UTC) or seconds since the epoch. Default: now."""
    session_id: str | None
    """The end user's session. Without it, Formo counts one session a day for all users of one server address."""
    message_id: str | uuid.UUID | None
    """Formo stores one event for each: 1 to 255 printable ASCII characters without blanks. Default: a UUID."""
    channel: Channel | None
    """Where it comes from: "server", "api", or "import" for past events. Default: the client's."""


class TrackProperties(TypedDict, total=False):
    """The names that Formo reserves in the properties of a track event. Any others may stand beside them."""

    revenue: float | decimal.Decimal | str | None
    """An amount of `currency`, not below 0 and at most 100 000 000: Formo records 0 for more. None is left out."""
    currency: str | None
    """The unit of `revenue`: an ISO 4217 code, sent in lower case. Default, where there is a revenue: usd."""
    volume: float | decimal.Decimal | str | None
    """An amount that may be negative, always in the same unit. None is left out."""
    points: float | decimal.Decimal | str | None
    """A number of points. None is left out."""


class WalletProperties(TypedDict, total=False):
    """The wallet software."""

    provider_name: str
    """Its name, such as MetaMask."""
    rdns: str
    """Its identifier in reverse domain name notation (EIP-6963), such as io.metamask."""


class IdentifyProperties(WalletProperties, total=False):
    """The traits that Formo shows in the profile of a wallet. Any others may stand beside them."""

    display_name: str
    email: str
    description: str
    avatar: str
    """The URL of a picture."""
    location: str
    website: str
    ens: str
    basenames: str
    lens: str
    linea: str
    farcaster: str
    discord: str
    facebook: str
    github: str
    instagram: str
    linkedin: str
    reddit: str
    telegram: str
    tiktok: str
    twitter: str
    youtube: str


class PageProperties(TypedDict, total=False):
    """The names that Formo reserves in the properties of a page event."""

    url: str
    """The whole URL of the page."""
    path: str
    """The path of the URL, without query and hash."""
    hash: str
    """The fragment of the URL, with its #."""
    query: str
    """The query of the URL, without its ?."""
    name: str
    """The name of the page or screen."""
    category: str
    """The category of the page or screen."""
    title: str
    """The title of the page."""


class ChainProperties(TypedDict):
    """The names that Formo reserves in the properties of the events connect, disconnect and chain."""

    chain_id: int
    """The chain's positive number. 900001 to 900004 are Solana's networks, whose addresses are base58."""


class SignatureProperties(ChainProperties, total=False):
    """The names that Formo reserves in the properties of a signature event."""

    status: SignatureStatus
    """The state of the signature request."""
    message: str
    """The text to sign, such as EIP-712 typed data as JSON."""


class TransactionProperties(ChainProperties, total=False):
    """The names that Formo reserves in the properties of a transaction event."""

    status: TransactionStatus
    """The state of the transaction."""
    transaction_hash: str | bytes
    """0x and 64 hex characters; on Solana the signature, base58 of 64 bytes. Known from `broadcasted` on."""
    to: str
    """The recipient's address, perhaps a contract's. None for a transaction that creates a contract."""
    value: int | str
    """The amount in the chain's smallest unit, such as wei. An int is sent as decimal digits, without rounding."""
    data: str | bytes
    """Its calldata: 0x and hex; on Solana any text."""
    function_name: str
    """The function it calls, decoded."""
    function_args: Mapping[str, object]
    """The function's arguments by name. Each is also sent as a property of its own, unless its name is taken."""
    builder_codes: str | Sequence[str]
    """The builder codes (ERC-8021) in its calldata: a string with commas, or a list."""


class ContextFields(TypedDict, total=False):
    """The names in `context` that Formo reads. Any others may stand beside them.

    The library's own name and version are always added, and never replaced.
    """

    user_agent: str
    """The end user's User-Agent; device, browser and operating system are derived from it."""
    locale: str
    """The end user's language tag, such as en-GB."""
    timezone: str
    """The end user's IANA time zone, such as Asia/Tokyo."""
    location: str
    """The end user's country as an ISO 3166-1 alpha-2 code."""
    page_url: str
    page_path: str
    page_title: str
    page_query: str
    page_hash: str
    referrer: str
    """The URL the end user came from."""
    ref: str
    """The referral code the end user came with."""
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_term: str
    utm_content: str
    gclid: str
    gad_source: str
    fbclid: str
    msclkid: str
    ttclid: str
    twclid: str
    li_fat_id: str
    rdt_cid: str


class _SentFields(TypedDict):
    channel: Channel
    version: Literal["0"]
    anonymous_id: str
    user_id: str | None
    properties: dict[str, Any]
    context: dict[str, Any]
    address: str | None
    original_timestamp: str
    """When it happened: ISO 8601 in UTC with milliseconds."""
    sent_at: str
    """When this attempt to send it was made."""
    message_id: str


class _OptionalSentFields(_SentFields, total=False):
    session_id: str


class TrackPayload(_OptionalSentFields):
    """A track event as it is sent."""

    type: Literal["track"]
    event: str


class IdentifyPayload(_OptionalSentFields):
    """An identify event as it is sent."""

    type: Literal["identify"]


class PagePayload(_OptionalSentFields):
    """A page event as it is sent."""

    type: Literal["page"]


class DetectPayload(_OptionalSentFields):
    """A detect event as it is sent."""

    type: Literal["detect"]


class ConnectPayload(_OptionalSentFields):
    """A connect event as it is sent."""

    type: Literal["connect"]


class DisconnectPayload(_OptionalSentFields):
    """A disconnect event as it is sent."""

    type: Literal["disconnect"]


class ChainPayload(_OptionalSentFields):
    """A chain event as it is sent."""

    type: Literal["chain"]


class SignaturePayload(_OptionalSentFields):
    """A signature event as it is sent."""

    type: Literal["signature"]


class TransactionPayload(_OptionalSentFields):
    """A transaction event as it is sent."""

    type: Literal["transaction"]
