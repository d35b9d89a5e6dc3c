"""The client, `FormoAnalytics`: builds events, puts them into the buffer of their scope, and flushes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from formo_lambda import debug, events, forks, options, platforms
from formo_lambda.errors import ValidationError
from formo_lambda.event_methods import EventMethods
from formo_lambda.invocation.scope import Scope, checked_key, current_scope
from formo_lambda.options import OnException, OnInvalid
from formo_lambda.results import FlushResult, Stats
from formo_lambda.transport.protocol import Transport
from formo_lambda.types import Channel

if TYPE_CHECKING:
    import uuid

    import typing_extensions

    from formo_lambda.delivery.queue import EventQueue
    from formo_lambda.invocation import invocation as invocations
else:
    from formo_lambda.lazy import invocations, typing_extensions, uuid

logger = logging.getLogger("formo_lambda")


class FormoAnalytics(EventMethods):
    """Tracks events of wallets and users, and delivers them to Formo.

    Make one at module level: it starts no thread and opens no connection until the first event is tracked. It
    remembers no identity: every call names its wallet. All its methods may be called from any thread.

    Args:
        write_key: The SDK write key of the project; None takes it from `FORMO_WRITE_KEY`.
        flush_at: Flush once this many events (1 to 100) are buffered.
        flush_interval: Flush once the oldest buffered event is this many seconds (1 to 300) old.
        max_queue_size: Flush once this many bytes (1 000 to 500 000), as sent, are buffered; also the most that one
            request carries.
        retry_count: Further attempts (0 to 10) after a network error, HTTP 408, 425, 429, 499 or
            5xx.
        flush_timeout: The most seconds (0.01 to 600) one flush takes; a platform's own deadline shortens it.
        request_timeout: The most seconds (0.01 to 600) one attempt takes.
        max_pending_size: The most bytes of events that wait, are being sent, or are retained. Beyond it, `track()`
            waits for Formo, at most a second, but on a thread that runs an event loop. While Formo does not answer,
            the oldest events are dropped.
        api_host: Another base URL to send to: https, or http on a loopback address. None takes it from
            `FORMO_EVENTS_BASE_URL`.
        enabled: False sends nothing, and needs no key; None is true unless `FORMO_DISABLED=1`.
        handle_signals: Whether SIGTERM flushes first, where nobody else handles it.
        on_undelivered: Called with events that are undelivered for good, as the dicts that were sent, and a
            DeliveryError.
        on_invalid: "raise" raises ValidationError for an invalid event; "log" logs a warning and drops it.
        transport: What sends the requests, instead of urllib3.
        json_default: Called for a value in properties or context that has no JSON form; returns one that has.
        channel: Where its events come from: "server", "api" (clients of your own API), or "import" (past events).

    Raises:
        ConfigurationError: An option breaks its rule, there is no write key, or a variable of the environment names a
            proxy or authorities of certificates that cannot be used.
    """

    def __init__(
        self,
        write_key: str | None = None,
        *,
        flush_at: int = 20,
        flush_interval: float = 30.0,
        max_queue_size: int = 500_000,
        retry_count: int = 3,
        flush_timeout: float = 2.0,
        request_timeout: float = 5.0,
        max_pending_size: int = 10_000_000,
        api_host: str | None = None,
        enabled: bool | None = None,
        handle_signals: bool = True,
        on_undelivered: Callable[[list[dict[str, Any]], Exception], object] | None = None,
        on_invalid: OnInvalid = "raise",
        transport: Transport | None = None,
        json_default: Callable[[object], object] | None = None,
        channel: Channel = "server",
    ) -> None:
        # No local has the key from here on: reporters show those of whatever raises.
        key = None if write_key is None else options.WriteKey(write_key)
        del write_key
        self._options = options.resolve(
            write_key=key,
            api_host=api_host,
            enabled=enabled,
            flush_at=flush_at,
            flush_interval=flush_interval,
            max_queue_size=max_queue_size,
            retry_count=retry_count,
            flush_timeout=flush_timeout,
            request_timeout=request_timeout,
            max_pending_size=max_pending_size,
            handle_signals=handle_signals,
            on_undelivered=on_undelivered,
            on_invalid=on_invalid,
            json_default=json_default,
            channel=channel,
        )
        transport = options.checked_transport(transport)
        # What delivery needs is loaded here, in the init phase, and not at import.
        from formo_lambda import process  # noqa: PLC0415 -- see above
        from formo_lambda.delivery.open import open_queue  # noqa: PLC0415
        from formo_lambda.invocation import invocation  # noqa: PLC0415

        self._platform = platforms.detect()
        self._queue: EventQueue = open_queue(
            self._options, transport, serverless=self._platform.serverless, on_first_event=process.on_first_event
        )
        if self._options.enabled:
            process.register(self._platform.exit_budget if self._options.handle_signals else None)
        # Kept, because nothing can be imported any more while the interpreter ends.
        self._invocations = invocation
        #: True until we have warned about an event tracked outside any invocation.
        self._warns = self._platform.serverless and self._options.enabled

    # -- sending ---------------------------------------------------------------------------------------------------

    def flush(self, timeout: float | None = None) -> FlushResult:
        """Send everything that is buffered and wait for what is under way; try even a server that just failed.

        It never raises for a failed delivery: see the result.

        Args:
            timeout: The most seconds it takes; None for `flush_timeout`. A platform's deadline shortens it.

        Raises:
            ValueError: `timeout` is not a number of seconds, zero or more.
        """
        return self._invocations.flush_here(self._queue, options.checked_timeout(timeout)).wait()

    async def aflush(self, timeout: float | None = None) -> FlushResult:
        """Do what `flush` does without occupying the event loop.

        Args:
            timeout: The most seconds it takes; None for `flush_timeout`. A platform's deadline shortens it.

        Raises:
            ValueError: `timeout` is not a number of seconds, zero or more.
        """
        return await self._invocations.flush_here(self._queue, options.checked_timeout(timeout)).wait_async()

    def close(self, timeout: float | None = None) -> FlushResult:
        """Flush, and close the connections. Tracking again simply reopens the client.

        Args:
            timeout: The most seconds it takes; None for `flush_timeout`.
        """
        result = self.flush(timeout)
        self._queue.background.close()
        return result

    async def aclose(self, timeout: float | None = None) -> FlushResult:
        """Do what `close` does without occupying the event loop.

        Args:
            timeout: The most seconds it takes; None for `flush_timeout`.
        """
        result = await self.aflush(timeout)
        self._queue.background.close()
        return result

    def invocation(
        self,
        *,
        on_exception: OnException = "send",
        timeout: float | None = None,
        idempotency_key: str | int | uuid.UUID | None = None,
    ) -> invocations.Invocation:
        """Return a scope for a `with` or `async with` statement: what is tracked in it is flushed when it ends.

        Within another scope, such as a decorated handler, its events join those of the outer one when it ends; if
        they are discarded, the others are not.

        Args:
            on_exception: What becomes of its events if it is left by an exception: "send", "discard", or a callable
                that is given the exception and says whether to send them.
            timeout: The most seconds that the flush at its end takes; None for `flush_timeout`.
            idempotency_key: What stays the same when the same work is done again, such as the id of a queue's message.
                The message ids of its events are derived from it, from their type, name and wallet, and from how many
                such events there were before: what is tracked again is counted once. Different work, in other
                functions too, needs different keys. None, or an empty one, for random ids.

        Raises:
            ConfigurationError: An argument breaks its rule.
        """
        return self._invocations.Invocation(
            on_exception=options.checked_on_exception(on_exception),
            timeout=options.checked_timeout(timeout),
            idempotency_key=checked_key(idempotency_key),
        )

    @property
    def stats(self) -> Stats:
        """The totals of this client since it was made."""
        return self._queue.stats()

    def __enter__(self) -> typing_extensions.Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> typing_extensions.Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        if not hasattr(self, "_options"):  # while its options are checked
            return "FormoAnalytics(write_key='***')"
        state = "" if self._options.enabled else ", enabled=False"
        return f"FormoAnalytics(write_key='***', endpoint={self._options.endpoint!r}{state})"

    def __copy__(self) -> typing_extensions.Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> typing_extensions.Self:
        # A copy of what holds a client, such as settings, is to share its connections and its buffer.
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a FormoAnalytics cannot be pickled: it holds the write key; construct one in each process")

    def _record(self, kind: str, *, message_id: object = None, channel: object = None, **fields: Any) -> str:
        forks.check()
        scope = current_scope()
        if scope is None:
            buffer, new_id = self._queue.own, events.random_uuid
            if self._warns:
                self._warn()
        else:
            # A stock of ids must not outlive an invocation.
            buffer, new_id = scope.buffer_of(self._queue), events.stocked_uuid
            if message_id is None and scope.keyed:
                message_id = _derived_id(scope, kind, fields)
        try:
            made_id, event = events.build(
                kind,
                message_id=message_id,
                channel=self._options.channel if channel is None else channel,
                json_default=self._options.json_default,
                now=time.time(),
                new_id=new_id,
                **fields,
            )
        except ValidationError as error:
            # Each mint and burn has an address that is no wallet: no program is wrong that tracks one.
            if self._options.on_invalid == "raise" and not isinstance(error, events.NoWalletError):
                raise
            self._queue.count_invalid(buffer)
            logger.warning("an invalid %s event was dropped: %s", kind, error)
            return ""
        if self._options.debug:
            debug.logger.debug("%s %r, message_id %s", kind, fields.get("event", ""), made_id)
        if self._options.enabled:
            self._queue.append(buffer, event)
        return made_id

    def _warn(self) -> None:
        """Log once that nothing flushes the event in time."""
        self._warns = False
        logger.warning(
            "an event was tracked outside any invocation: on %s it may wait for the next one, or be lost. "
            "Put @formo_flush on the handler, directly above its `def` or `class`, or call flush() before it returns",
            self._platform.name,
        )


def _derived_id(scope: Scope, kind: str, fields: dict[str, Any]) -> str | None:
    """Return the id that an event has under the idempotency key of its scope."""
    seed = scope.next_seed(kind, fields.get("event"), fields.get("address"))
    return None if seed is None else events.derived_uuid(*seed)
