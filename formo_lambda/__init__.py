"""Formo analytics for serverless Python: events tracked in one invocation are sent before it ends."""

import typing as _typing

from formo_lambda import constants
from formo_lambda.client import FormoAnalytics
from formo_lambda.context import request_context
from formo_lambda.decorator import formo_flush
from formo_lambda.errors import ConfigurationError, DeliveryError, FormoError, ValidationError
from formo_lambda.results import FlushResult, Stats
from formo_lambda.transport.protocol import Response, Transport

if _typing.TYPE_CHECKING:
    from formo_lambda.handlers.options import FlushOptions as FlushOptions
    from formo_lambda.invocation.invocation import Invocation as Invocation
    from formo_lambda.platforms import Platform as Platform

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

__version__: str = constants.VERSION

#: What your annotations may name, beside the public functions and classes, each with its module.
_FOR_ANNOTATIONS = {
    "FlushOptions": "formo_lambda.handlers.options",
    "Invocation": "formo_lambda.invocation.invocation",
    "Platform": "formo_lambda.platforms",
}


def __getattr__(name: str) -> object:
    if name not in _FOR_ANNOTATIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 -- few programs name them at run time

    return getattr(import_module(_FOR_ANNOTATIONS[name]), name)
