"""Formo analytics for serverless Python: events tracked in one invocation are sent before it ends."""

from formo_lambda import constants
from formo_lambda.client import FormoAnalytics
from formo_lambda.context import request_context
from formo_lambda.decorator import formo_flush
from formo_lambda.errors import ConfigurationError, DeliveryError, FormoError, ValidationError
from formo_lambda.results import FlushResult, Stats
from formo_lambda.transport.protocol import Response, Transport

__all__ = [
    "ConfigurationError",
    "DeliveryError",
    "FlushResult",
    "FormoAnalytics",
    "FormoError",
    "Response",
    "Stats",
    "Transport",
    "ValidationError",
    "formo_flush",
    "request_context",
]

__version__ = constants.VERSION
