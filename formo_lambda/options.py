"""The options of a client, each with its check: it returns the value to use, or raises an error that names the rule."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, NoReturn, TypeVar

from formo_lambda.constants import (
    CHANNELS,
    DEFAULT_API_HOST,
    ENV_API_HOST,
    ENV_DEBUG,
    ENV_DISABLED,
    ENV_WRITE_KEY,
    INGEST_PATH,
    LONGEST_TIMEOUT,
    MAX_BATCH_EVENTS,
)
from formo_lambda.errors import ConfigurationError
from formo_lambda.signals import raised_by_signal_handler

OnException = Literal["send", "discard"] | Callable[[BaseException], bool]
OnInvalid = Literal["raise", "log"]
Word = TypeVar("Word", bound=str)


class WriteKey:
    """The write key: shown masked, never pickled, revealed only to the request header.

    It is made of what the user gave before that is checked: reporters show the locals of whatever raises.

    Args:
        value: The key. A newline at its end, as files have it, does not count.
    """

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        key = plain(value)
        self._value = key.rstrip("\r\n") if isinstance(key, str) else None

    def __bool__(self) -> bool:
        """Whether it is not empty."""
        return self._value != ""

    def is_valid(self) -> bool:
        """Whether it can go into a header."""
        key = self._value
        return key is not None and key.isascii() and key.isprintable() and " " not in key

    def reveal(self) -> str:
        """Return the key itself, for the Authorization header."""
        return self._value or ""

    def __repr__(self) -> str:
        return "WriteKey('***')"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a write key cannot be pickled; construct the client in each process")


class Options(NamedTuple):
    """The options of one client, checked.

    Attributes:
        write_key: None where the client is disabled without one.
        endpoint: The URL that events are posted to.
        flush_at: Flush once this many events are buffered.
        flush_interval: Flush once the oldest buffered event is this many seconds old.
        max_queue_size: Flush once this many bytes, as sent, are buffered; also the most that one request carries.
        retry_count: Further attempts after the first, for one batch.
        flush_timeout: The most seconds one flush takes.
        request_timeout: The most seconds one attempt takes.
        max_pending_size: The most bytes of events that wait, are being sent, or are retained.
        enabled: Whether anything is buffered and sent at all.
        handle_signals: Whether SIGTERM flushes before it ends the process.
        on_undelivered: Called with undelivered events, as a list of dicts, and the reason.
        on_invalid: Whether an invalid event raises or is logged and dropped.
        json_default: Called for a value that has no JSON form of its own.
        channel: Where events come from that do not say so themselves.
        debug: Whether each event and each request is written to standard error.
    """

    write_key: WriteKey | None
    endpoint: str
    flush_at: int
    flush_interval: float
    max_queue_size: int
    retry_count: int
    flush_timeout: float
    request_timeout: float
    max_pending_size: int
    enabled: bool
    handle_signals: bool
    on_undelivered: Callable[[list[dict[str, Any]], Exception], object] | None
    on_invalid: OnInvalid
    json_default: Callable[[object], object] | None
    channel: str
    debug: bool


def resolve(
    *,
    write_key: WriteKey | None,
    api_host: str | None,
    enabled: bool | None,
    flush_at: int,
    flush_interval: float,
    max_queue_size: int,
    retry_count: int,
    flush_timeout: float,
    request_timeout: float,
    max_pending_size: int,
    handle_signals: bool,
    on_undelivered: Callable[[list[dict[str, Any]], Exception], object] | None,
    on_invalid: OnInvalid,
    json_default: Callable[[object], object] | None,
    channel: str,
    getenv: Callable[[str], str | None] = os.getenv,
) -> Options:
    """Check every option; what is not given comes from the environment.

    Raises:
        ConfigurationError: An option breaks its rule; the message names the range and the remedy.
    """
    # One variable at a time: reporters show the locals of what raises, and the environment is full of secrets.
    on = _switch("enabled", enabled) if enabled is not None else not _is_set(getenv(ENV_DISABLED))
    return Options(
        write_key=_write_key(WriteKey(getenv(ENV_WRITE_KEY) or "") if write_key is None else write_key, required=on),
        endpoint=_endpoint(api_host, getenv),
        flush_at=_whole("flush_at", flush_at, 1, MAX_BATCH_EVENTS, "events"),
        flush_interval=_seconds("flush_interval", flush_interval, 1, 300),
        max_queue_size=_whole("max_queue_size", max_queue_size, 1_000, 500_000, "bytes"),
        retry_count=_whole("retry_count", retry_count, 0, 10, "attempts"),
        flush_timeout=_seconds("flush_timeout", flush_timeout, 0.01, 600),
        request_timeout=_seconds("request_timeout", request_timeout, 0.01, 600),
        max_pending_size=_whole("max_pending_size", max_pending_size, 0, 1_000_000_000, "bytes"),
        enabled=on,
        handle_signals=_switch("handle_signals", handle_signals),
        on_undelivered=_callable("on_undelivered", on_undelivered),
        on_invalid=_choice("on_invalid", on_invalid, ("raise", "log")),
        json_default=_callable("json_default", json_default),
        channel=_choice("channel", channel, CHANNELS),
        debug=_is_set(getenv(ENV_DEBUG)),
    )


def plain(value: Any) -> str | int | float | None:
    """Return a string, a number or a bool as exactly that, and None for anything else.

    None of the value's own code is run: a subclass may raise where it is compared, and a member of an enumeration of
    strings looks different in a formatted string from one Python to another.
    """
    kind = type(value)
    if issubclass(kind, str):
        return str.__str__(value)  # pyright: ignore[reportArgumentType] # its `kind` is one
    if issubclass(kind, int):
        return value if value is True or value is False else int.__pos__(value)
    return float.__pos__(value) if issubclass(kind, float) else None


def checked_timeout(value: object) -> float | None:
    """Return the seconds that a flush may take, None for those of the client.

    Raises:
        ConfigurationError: It is neither None nor a number, zero or more.
    """
    if value is None:
        return None
    seconds = plain(value)
    if isinstance(seconds, (bool, str)) or seconds is None or not seconds >= 0:
        raise ConfigurationError("timeout", "must be a number of seconds, zero or more, or None")
    return float(min(seconds, LONGEST_TIMEOUT))


def checked_on_exception(value: object) -> Any:
    """Return what becomes of the events of a call that failed: "send", "discard", or a callable that says.

    Raises:
        ConfigurationError: It is none of these.
    """
    word = plain(value)
    if word in ("send", "discard"):
        return word
    return _callable("on_exception", value, "must be 'send', 'discard', or a callable", needed=True)


def checked_transport(value: Any) -> Any:
    """Return what sends the requests, None for urllib3.

    Raises:
        ConfigurationError: It is neither None nor an object with a method `send`.
    """
    handled = sys.exc_info()[1]
    try:
        sends = value is None or callable(getattr(value, "send", None))
    except Exception as error:  # an object that raises when asked for a method is no transport
        if raised_by_signal_handler(error, handled):
            raise
        sends = False
    if not sends:
        raise ConfigurationError("transport", "must be an object with a method send(body, headers, timeout), or None")
    return value


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: localhost, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    from ipaddress import ip_address  # noqa: PLC0415 -- few hosts are asked for

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_set(value: str | None) -> bool:
    return (value or "").strip().lower() not in ("", "0", "false", "no", "off")


def _write_key(key: WriteKey, *, required: bool) -> WriteKey | None:
    if not key:
        if not required:
            return None
        raise ConfigurationError(
            "write_key",
            f"set the environment variable {ENV_WRITE_KEY} or pass it: FormoAnalytics('<YOUR_WRITE_KEY>'); "
            f"where no key exists, as in builds and tests, set {ENV_DISABLED}=1",
        )
    if not key.is_valid():
        raise ConfigurationError("write_key", "must be printable ASCII without blanks (copy it again)")
    return key


def _endpoint(given: object, getenv: Callable[[str], str | None]) -> str:
    """Return the ingest URL of a base URL that keeps the key from travelling in the clear."""
    from urllib.parse import urlsplit  # noqa: PLC0415 -- construction pays for it, import does not

    api_host = plain(given)
    if given is None or api_host == "":
        api_host = getenv(ENV_API_HOST) or DEFAULT_API_HOST
    rule = "must be a base URL: https://<host>[:port], or http:// on a loopback address"
    if not isinstance(api_host, str) or not api_host.isascii() or not api_host.isprintable() or " " in api_host:
        raise ConfigurationError("api_host", rule)
    try:
        url = urlsplit(api_host)
        host, port = url.hostname, url.port
    except ValueError:
        raise ConfigurationError("api_host", rule) from None
    if not host or port == 0 or url.username is not None or any(each in api_host for each in "?#\\"):
        raise ConfigurationError("api_host", rule)
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(host)):
        raise ConfigurationError("api_host", rule)
    return api_host.rstrip("/") + INGEST_PATH


def _whole(option: str, value: object, low: int, high: int, unit: str) -> int:
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        raise ConfigurationError(option, f"must be a whole number of {unit} from {low} to {high}")
    return number


def _seconds(option: str, value: object, low: float, high: float) -> float:
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not low <= number <= high:
        raise ConfigurationError(option, f"must be a number of seconds from {low} to {high}")
    return float(number)


def _switch(option: str, value: object) -> bool:
    if value is True or value is False:
        return value
    raise ConfigurationError(option, "must be True or False")


def _callable(option: str, value: Any, rule: str = "must be callable, or None", *, needed: bool = False) -> Any:
    if not callable(value) and (needed or value is not None):
        raise ConfigurationError(option, rule)
    return value


def _choice(option: str, value: object, words: tuple[Word, ...]) -> Word:
    given = plain(value)
    for word in words:
        if word == given:
            return word
    raise ConfigurationError(option, "must be " + " or ".join(repr(word) for word in words))
