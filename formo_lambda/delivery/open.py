"""Put one client's delivery together. Importing it loads urllib3 and tenacity, in the init phase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from formo_lambda import debug
from formo_lambda.delivery.background import Background
from formo_lambda.delivery.queue import EventQueue
from formo_lambda.delivery.send import Sender
from formo_lambda.delivery.workers import workers
from formo_lambda.options import WriteKey
from formo_lambda.transport.http import HttpTransport
from formo_lambda.transport.protocol import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.options import Options
    from formo_lambda.transport.protocol import Transport


def open_queue(
    options: Options, transport: Transport | None, *, serverless: bool, on_first_event: Callable[[], object]
) -> EventQueue:
    """Return the event queue of a new client: no thread, no connection, no timer yet.

    Args:
        options: The client's options.
        transport: The user's own transport, or None for urllib3.
        serverless: Whether the platform may freeze the process between invocations: no thread watches those.
        on_first_event: Called when there is something to deliver.

    Raises:
        ConfigurationError: The environment names a proxy or authorities that cannot be used.
    """
    http: HttpTransport | None = None
    if transport is None and options.enabled:  # the network of a build, where nothing is sent, may be another
        http = HttpTransport(options.endpoint, workers.submit_for_caller)
    sends: Transport = transport or http  # type: ignore[assignment] # one of them there is, where anything is sent
    if options.debug:
        debug.enable()
        sends = debug.LoggedTransport(sends, options.endpoint)
    sender = Sender(
        sends,
        # A disabled client never sends, so it never needs the key it may lack.
        options.write_key or WriteKey(""),
        request_timeout=options.request_timeout,
        retry_count=options.retry_count,
        foreign=http is None,
    )
    background = Background(sender, http, serverless=serverless, on_first_event=on_first_event)
    return EventQueue(options, http.pool if http is not None else Endpoint(), background)
