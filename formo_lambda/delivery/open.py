"""Put one client's delivery together. Importing it loads urllib3 and tenacity, in the init phase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from formo_lambda.delivery import exits, run  # noqa: F401 -- what the first invocation needs is loaded here, too
from formo_lambda.delivery.courier import Courier
from formo_lambda.delivery.http import HttpTransport
from formo_lambda.delivery.outbox import Outbox
from formo_lambda.options import WriteKey

if TYPE_CHECKING:
    from formo_lambda.delivery.transport import Transport
    from formo_lambda.options import Options


def open_outbox(options: Options, transport: Transport | None, exit_budget: float) -> Outbox:
    """Return the outbox of a new client: no thread, no connection, no timer yet.

    Args:
        options: The client's options.
        transport: The user's own transport, or None for urllib3.
        exit_budget: Seconds that the platform leaves between SIGTERM and SIGKILL.
    """
    link = None
    if transport is None:
        transport = link = HttpTransport(options.endpoint)
    # A disabled client never sends, so it never needs the key it may lack.
    key = options.write_key or WriteKey("")
    courier = Courier(transport, key, request_timeout=options.request_timeout, retry_count=options.retry_count)
    if options.enabled:
        exits.register(exit_budget if options.handle_signals else None)
    return Outbox(options, courier, link, exits.on_wake)
