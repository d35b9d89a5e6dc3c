"""The options of a decorated handler or a middleware: one list, one check, and the invocations opened by them."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from formo_lambda.client import FormoAnalytics
from formo_lambda.errors import ConfigurationError
from formo_lambda.invocation.scope import checked_key
from formo_lambda.options import OnException, checked_on_exception, checked_timeout
from formo_lambda.platforms import PLATFORMS, Platform, detect
from formo_lambda.signals import raised_by_signal_handler

if TYPE_CHECKING:
    import uuid

    from formo_lambda.invocation.invocation import Invocation
else:
    from formo_lambda.lazy import uuid

logger = logging.getLogger("formo_lambda")

T = TypeVar("T")


class FlushOptions(TypedDict, total=False):
    """The keyword options of `formo_flush` and of both `FormoFlushMiddleware`."""

    timeout: float | None
    """The most seconds, zero or more, that the flushes of one call take. Default: each client's `flush_timeout`."""
    clients: Collection[FormoAnalytics] | None
    """The clients to flush. Default: those that were written to, and all with pending events."""
    on_exception: OnException
    """What becomes of the events of a call that failed: "send" (the default), "discard", or a callable that is given
    the exception and says whether to send them."""
    idempotency: Callable[..., str | int | uuid.UUID | None] | None
    """Called with the handler's arguments (of a web application, with its scope or environ alone). Returns the key that
    the message ids of its events are derived from, so that a repeated call is counted once, or None. Default: random
    ids."""
    platforms: Sequence[Platform]
    """Platforms of your own, asked before those the package knows. Default: none."""


class HandlerOptions:
    """The options of one handler, checked. It opens an invocation for each call.

    Args:
        function: Who was given the options, for the error where there is no such option.
        given: The options.

    Attributes:
        given: The same, to be given to a middleware.

    Raises:
        TypeError: There is no option of that name.
        ConfigurationError: An option breaks its rule.
    """

    def __init__(self, function: str, given: FlushOptions) -> None:
        for name in given:
            if name not in FlushOptions.__annotations__:
                raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")
        self._idempotency = given.get("idempotency")
        if self._idempotency is not None and not callable(self._idempotency):
            raise ConfigurationError("idempotency", "must be a callable that returns a key, or None")
        clients = given.get("clients")
        if clients is not None:
            clients = _all("clients", clients, "FormoAnalytics clients, or None for all")
            if not all(issubclass(type(client), FormoAnalytics) for client in clients):
                raise ConfigurationError("clients", "must be a collection of FormoAnalytics clients, or None for all")
        self._platforms = _all("platforms", given.get("platforms", ()), "platforms")
        self._platform: Platform | None = None
        self.given: FlushOptions = {**given, "clients": clients, "platforms": self._platforms}
        # Loaded here, in the init phase, and not at import; nor at every call, where even a module that is loaded
        # costs a third of an invocation without events.
        from formo_lambda.invocation.invocation import Invocation  # noqa: PLC0415 -- see above

        self._open = functools.partial(
            Invocation,
            on_exception=checked_on_exception(given.get("on_exception", "send")),
            timeout=checked_timeout(given.get("timeout")),
            clients=None if clients is None else [client._queue for client in clients],  # noqa: SLF001 -- of the package
        )

    def open(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Invocation:
        """Open the invocation of one call.

        Args:
            args: Its positional arguments; of a web application, the `scope` or the `environ` alone.
            kwargs: Its keyword arguments.
        """
        return self._open(
            remaining=functools.partial(self._remaining, args, kwargs),
            idempotency_key=None if self._idempotency is None else self._key(self._idempotency, args, kwargs),
        )

    def _remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Ask the platform, which is looked for at the first call with events: decoration may run in a build."""
        handled = sys.exc_info()[1]
        try:
            if self._platform is None:
                self._platform = detect(platforms=(*self._platforms, *PLATFORMS))
            return self._platform.remaining(args, kwargs)
        except Exception as error:
            if raised_by_signal_handler(error, handled):
                raise
            logger.exception("the platform's deadline is not known")
            return None

    def _key(self, idempotency: Callable[..., object], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        handled = sys.exc_info()[1]
        try:
            return checked_key(idempotency(*args, **kwargs))
        except Exception as error:
            if raised_by_signal_handler(error, handled):
                raise
            logger.exception("idempotency gave no key; the events of this call get random ids")
            return None


def _all(option: str, given: Collection[T], what: str) -> tuple[T, ...]:
    """Return what a collection holds, read once: it may be an iterator, and what it is may be a mistake."""
    handled = sys.exc_info()[1]
    try:
        return tuple(given)
    except Exception as error:
        if raised_by_signal_handler(error, handled):
            raise
        raise ConfigurationError(option, f"must be a collection of {what}") from error
