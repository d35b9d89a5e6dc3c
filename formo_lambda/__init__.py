"""Formo analytics for serverless Python: events tracked in one invocation leave before it ends."""

from formo_lambda.client import FormoAnalytics
from formo_lambda.context import request_context
from formo_lambda.decorator import formo_flush
from formo_lambda.errors import ConfigurationError, DeliveryError, FormoError, ValidationError
from formo_lambda.results import FlushResult

__all__ = [
    "ConfigurationError",
    "DeliveryError",
    "FlushResult",
    "FormoAnalytics",
    "FormoError",
    "ValidationError",
    "formo_flush",
    "request_context",
]
