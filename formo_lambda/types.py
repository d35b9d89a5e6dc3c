"""Types for annotations and editors: of what goes into events and comes out of them, and of what your code is given.

- `CommonFields`, `ContextFields` and the `...Properties`: what event methods take.
- The `...Payload` types: events as they are sent, which `on_undelivered` is given.
- `Invocation`: what `FormoAnalytics.invocation()` returns. `FlushOptions`: the keyword options of `formo_flush` and
  `FormoFlushMiddleware`. `Platform`: what the option `platforms` holds.
"""

from __future__ import annotations

from formo_lambda.events.payloads import (
    ChainPayload,
    ChainProperties,
    CommonFields,
    ConnectPayload,
    ContextFields,
    DetectPayload,
    DisconnectPayload,
    IdentifyPayload,
    IdentifyProperties,
    PagePayload,
    PageProperties,
    SignaturePayload,
    SignatureProperties,
    SignatureStatus,
    TrackPayload,
    TrackProperties,
    TransactionPayload,
    TransactionProperties,
    TransactionStatus,
    WalletProperties,
)
from formo_lambda.handlers.options import FlushOptions
from formo_lambda.invocation.invocation import Invocation
from formo_lambda.platforms import Platform

__all__ = [
    "ChainPayload",
    "ChainProperties",
    "CommonFields",
    "ConnectPayload",
    "ContextFields",
    "DetectPayload",
    "DisconnectPayload",
    "FlushOptions",
    "IdentifyPayload",
    "IdentifyProperties",
    "Invocation",
    "PagePayload",
    "PageProperties",
    "Platform",
    "SignaturePayload",
    "SignatureProperties",
    "SignatureStatus",
    "TrackPayload",
    "TrackProperties",
    "TransactionPayload",
    "TransactionProperties",
    "TransactionStatus",
    "WalletProperties",
]
