"""The types of what goes into events and comes out of them, for annotations and editors."""

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

__all__ = [
    "ChainPayload",
    "ChainProperties",
    "CommonFields",
    "ConnectPayload",
    "ContextFields",
    "DetectPayload",
    "DisconnectPayload",
    "IdentifyPayload",
    "IdentifyProperties",
    "PagePayload",
    "PageProperties",
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
