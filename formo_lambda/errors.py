"""The exceptions of the package.

FormoError
├── ValidationError     an argument of one event breaks a rule (also a ValueError)
├── ConfigurationError  an option of the client breaks a rule (also a ValueError)
└── DeliveryError       events were not accepted; carried in results, raised only on request
"""

from __future__ import annotations

from typing import Any


class FormoError(Exception):
    """The base of every exception this package defines."""


class ValidationError(FormoError, ValueError):
    """One argument of an event breaks a rule; nothing was queued.

    Args:
        field: The argument's Python name, with a path into it where that helps (`properties.items[3].price`).
        reason: The rule that was broken. It never quotes the value.
    """

    #: The argument's Python name, with a path into it where that helps.
    field: str
    #: The rule that was broken; never the value.
    reason: str

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"Invalid {self.field}: {self.reason}"


class ConfigurationError(FormoError, ValueError):
    """One option of the client, or a variable of the environment, breaks a rule.

    Args:
        option: The option's Python name, or the variable's.
        reason: The rule and, where there is one, the remedy. It never quotes a secret.
    """

    #: The option's Python name, or the variable's.
    option: str
    #: The rule that was broken, and the remedy.
    reason: str

    def __init__(self, option: str, reason: str) -> None:
        super().__init__(option, reason)
        self.option = option
        self.reason = reason

    def __str__(self) -> str:
        return f"Invalid {self.option}: {self.reason}"


class DeliveryError(FormoError):
    """Some events were not accepted by the server, or never reached it.

    Args:
        reason: What happened, in a few words; never a payload or a key.
        count: How many events it concerns.
        status: The HTTP status, where there was an answer.
        transient: Whether the same events may be accepted later.
    """

    #: What happened, in a few words.
    reason: str
    #: How many events it concerns.
    count: int
    #: The HTTP status of the answer, or None where there was none.
    status: int | None
    #: Whether the same events may be accepted later.
    transient: bool

    def __init__(self, reason: str, *, count: int, status: int | None = None, transient: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.count = count
        self.status = status
        self.transient = transient

    def __str__(self) -> str:
        events = "1 event" if self.count == 1 else f"{self.count} events"
        return f"{events} not delivered: {self.reason}"

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions pickle their positional arguments only; the rest goes along as state.
        return (_rebuild, (self.reason, {"count": self.count, "status": self.status, "transient": self.transient}))


def _rebuild(reason: str, attributes: dict[str, Any]) -> DeliveryError:
    return DeliveryError(reason, **attributes)
