"""What is sent: validate, convert and build events. Nothing here reads a clock or does I/O."""

from __future__ import annotations

from formo_lambda.events.addresses import NoWalletError
from formo_lambda.events.build import build
from formo_lambda.events.event_types import EVENT_TYPES
from formo_lambda.events.identifiers import derived_uuid, forget_stock, random_uuid, stocked_uuid

__all__ = ["EVENT_TYPES", "NoWalletError", "build", "derived_uuid", "forget_stock", "random_uuid", "stocked_uuid"]
