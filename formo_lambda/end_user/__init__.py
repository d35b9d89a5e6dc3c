"""The end user's context, read from the request that a handler was given."""

from formo_lambda.end_user.context import request_context

__all__ = ["request_context"]
