"""Opens the invocation of each call: what the decorator and the middleware do with their options."""

from __future__ import annotations

import functools
import logging
import os
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from formo_lambda.client import FormoAnalytics
from formo_lambda.errors import ConfigurationError
from formo_lambda.invocation.scope import checked_key
from formo_lambda.options import checked_on_exception, checked_timeout
from formo_lambda.platforms import PLATFORMS, detect

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from uuid import UUID

    from formo_lambda.invocation.invocation import Invocation, OnException
    from formo_lambda.platforms import Platform

    Idempotency = Callable[..., str | int | UUID | None]

logger = logging.getLogger("formo_lambda")

T = TypeVar("T")


class InvokerOptions(TypedDict):
    """The options that decorator and middleware have in common, as keyword arguments."""

    timeout: float | None
    clients: Collection[FormoAnalytics] | None
    on_exception: OnException
    idempotency: Idempotency | None
    platforms: Sequence[Platform]


class Invoker:
    """The options, checked, and the one place that opens an invocation for a call.

    Args:
        timeout: The most seconds the flush takes; None for each client's `flush_timeout`.
        clients: The clients to flush; None for those that were written to, and all with pending events.
        on_exception: What becomes of the events of a call that failed.
        idempotency: Called with the arguments of a call; returns the key its message ids are derived from, or None.
        platforms: The user's own platforms, asked before those the package knows.

    Attributes:
        options: What it was made with, to make another one alike.

    Raises:
        ConfigurationError: An option breaks its rule.
    """

    def __init__(
        self,
        *,
        timeout: float | None,
        clients: Collection[FormoAnalytics] | None,
        on_exception: OnException,
        idempotency: Idempotency | None,
        platforms: Sequence[Platform],
    ) -> None:
        if idempotency is not None and not callable(idempotency):
            raise ConfigurationError("idempotency", "must be a callable that returns a key, or None")
        if clients is not None:
            clients = _all("clients", clients, "FormoAnalytics clients, or None for all")
            if not all(issubclass(type(client), FormoAnalytics) for client in clients):
                raise ConfigurationError("clients", "must be a collection of FormoAnalytics clients, or None for all")
        self.options = InvokerOptions(
            timeout=checked_timeout(timeout),
            clients=clients,
            on_exception=checked_on_exception(on_exception),
            idempotency=idempotency,
            platforms=_all("platforms", platforms, "platforms"),
        )
        self._platform: Platform | None = None
        # Loaded here, in the init phase, and not at import; nor at every call, where even a module that is loaded
        # costs a third of an invocation without events.
        from formo_lambda.invocation.invocation import Invocation  # noqa: PLC0415 -- see above

        self._run = Invocation

    def open(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Invocation:
        """Open the invocation of one call.

        Args:
            args: Its positional arguments; of a web application, the `scope` or the `environ` alone.
            kwargs: Its keyword arguments.
        """
        options = self.options
        clients = options["clients"]
        queues = None if clients is None else [client._queue for client in clients]  # noqa: SLF001 -- of the package
        return self._run(
            on_exception=options["on_exception"],
            timeout=options["timeout"],
            clients=queues,
            remaining=functools.partial(self._remaining, args, kwargs),
            idempotency_key=self._key(args, kwargs),
        )

    def _remaining(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float | None:
        """Ask the platform, which is looked for at the first call with events: decoration may run in a build."""
        try:
            if self._platform is None:
                self._platform = detect(os.environ, (*self.options["platforms"], *PLATFORMS))
            return self._platform.remaining(args, kwargs)
        except Exception:
            logger.exception("the platform's deadline is not known")
            return None

    def _key(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        idempotency = self.options["idempotency"]
        if idempotency is None:
            return None
        try:
            return checked_key(idempotency(*args, **kwargs))
        except Exception:
            logger.exception("idempotency gave no key; the events of this call get random ids")
            return None


def _all(option: str, given: Collection[T], what: str) -> tuple[T, ...]:
    """Return what a collection holds, read once: it may be an iterator, and what it is may be a mistake."""
    try:
        return tuple(given)
    except Exception as error:
        raise ConfigurationError(option, f"must be a collection of {what}") from error
