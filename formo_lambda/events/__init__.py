"""WHAT is sent: events are validated, normalised, built and encoded here, without clock, randomness or I/O."""

from __future__ import annotations

from formo_lambda.events.build import build
from formo_lambda.events.event_types import KINDS
from formo_lambda.events.identifiers import derived_uuid, forget_stock, random_uuid, stocked_uuid

__all__ = ["KINDS", "build", "derived_uuid", "forget_stock", "random_uuid", "stocked_uuid"]
