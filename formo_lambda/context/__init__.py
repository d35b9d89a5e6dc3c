"""The end user's context, read from the request that a handler was given."""

from formo_lambda.context.context import request_context

__all__ = ["request_context"]
