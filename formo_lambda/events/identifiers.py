"""Make and check the identifiers of an event: message_id, anonymous_id, user_id, session_id, channel."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from formo_lambda.constants import CHANNELS
from formo_lambda.errors import ValidationError
from formo_lambda.events.convert import is_instance
from formo_lambda.signals import raised_by_signal_handler

if TYPE_CHECKING:
    from collections.abc import Callable

#: Characters of the longest message_id that is accepted; ids of queues, requests and ARNs fit.
MAX_MESSAGE_ID = 255

# fullmatch, explicit ranges: `$` would let a final newline through, `\d` the digits of other scripts, and
# `uuid.UUID()` braces, urn: and missing hyphens.
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}").fullmatch
_MESSAGE_ID = re.compile(rf"[!-~]{{1,{MAX_MESSAGE_ID}}}").fullmatch

#: A random digit as one of the variant's (RFC 9562, section 4.1), whose upper bits are 10.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}

#: Random digits for the next UUIDs, 32 for each.
_stock: list[str] = []
#: UUIDs for which random digits are drawn at once.
_STOCK = 32

# A random constant. A change would give replayed events other ids than before.
_DERIVED_NAMESPACE = "4b1f0c6e-6b0e-4d0f-9a54-2f3f0e0f6c1d"


def random_uuid() -> str:
    """Return a new random UUID (version 4): a third of the time of `uuid.uuid4`, and without its import."""
    return _as_uuid(os.urandom(16).hex())


def stocked_uuid() -> str:
    """Return a new random UUID, from a stock of random digits.

    `os.urandom` lets other threads run at every call, which takes 20 to 60 % of a `track()` while workers send. Clear
    the stock at the end of an invocation and in a forked child (`forget_stock`): processes that start from the same
    snapshot, and children of the same parent, would use the same ids.
    """
    try:
        digits = _stock.pop()
    except IndexError:
        drawn = os.urandom(16 * _STOCK).hex()
        digits = drawn[:32]
        _stock.extend([drawn[start : start + 32] for start in range(32, 32 * _STOCK, 32)])
    return _as_uuid(digits)


#: Clear the stock.
forget_stock = _stock.clear


def _as_uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"


def derived_uuid(key: str, ordinal: int) -> str:
    """Return the id of the `ordinal`th event under `key`, a version 5 UUID that is the same on every replay."""
    import uuid  # noqa: PLC0415 -- only derived ids need it

    name = f"{ordinal}:{key}".encode("utf-8", "backslashreplace").decode("utf-8")
    return str(uuid.uuid5(uuid.UUID(_DERIVED_NAMESPACE), name))


def anonymous_id(value: object, new_id: Callable[[], str]) -> str:
    """Return `value` if it is a UUID, in any version and case; a new one for None and ``""``."""
    text = None if value is None else id_text(value)
    if value is None or text == "":
        return new_id()
    if text is None or not _UUID(text):
        raise ValidationError("anonymous_id", "must be a valid UUID")
    return text


def user_id(value: object) -> str | None:
    """Return `value`, a string of at least one character, or None."""
    if value is None:
        return None
    return non_empty("user_id", value, "must be a non-empty string if provided")


def session_id(value: object) -> str | None:
    """Return `value`, a string of at least one character, or None."""
    if value is None:
        return None
    return non_empty("session_id", value, "must be a non-empty string if provided")


def message_id(value: object, new_id: Callable[[], str]) -> str:
    """Return `value` if it is a valid message_id; a new one for None."""
    if value is None:
        return new_id()
    text = id_text(value)
    if text is None or not _MESSAGE_ID(text):
        raise ValidationError("message_id", f"must be 1 to {MAX_MESSAGE_ID} printable ASCII characters without blanks")
    return text


def channel(value: object) -> str:
    """Return where an event comes from, one of `CHANNELS`."""
    word = exact_text(value)
    if word not in CHANNELS:
        raise ValidationError("channel", "must be " + " or ".join(repr(each) for each in CHANNELS))
    return word


def non_empty(field: str, value: object, reason: str = "must be a non-empty string") -> str:
    """Return `value` as a plain `str` of at least one character.

    Raises:
        ValidationError: It is anything else.
    """
    text = value if type(value) is str else exact_text(value)
    if not text:
        raise ValidationError(field, reason)
    return text


def exact_text(value: object) -> str | None:
    """Return the plain `str` of a string or of a subclass's instance; None for anything else."""
    # isinstance would also read the value's own __class__.
    return str.__str__(value) if issubclass(type(value), str) else None  # pyright: ignore[reportArgumentType] # see above


def id_text(value: object) -> str | None:
    """Return a string or a UUID object as a plain `str`; None for anything else."""
    handled = sys.exc_info()[1]
    try:
        return exact_text(str(value) if is_instance(value, "uuid", "UUID") else value)
    except Exception as error:  # an object that raises is no identifier
        if raised_by_signal_handler(error, handled):
            raise
        return None
