"""When events leave: the scope they belong to, the buffers they wait in, the deadline they leave by."""

from formo_lambda.invocation.buffer import ENVELOPE, Buffer
from formo_lambda.invocation.deadline import Deadline
from formo_lambda.invocation.scope import (
    Invocation,
    Owner,
    checked_key,
    current_invocation,
    entered,
    forget_others,
    open_invocation,
)

__all__ = [
    "ENVELOPE",
    "Buffer",
    "Deadline",
    "Invocation",
    "Owner",
    "checked_key",
    "current_invocation",
    "entered",
    "forget_others",
    "open_invocation",
]
