"""`request_context`: an end user's context from the request of any platform or framework."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable

from formo_lambda.signals import raised_by_signal_handler

logger = logging.getLogger("formo_lambda")


def request_context(source: object, *, strip: Iterable[str] = ()) -> dict[str, str]:
    """Return the end user's context for an event, read from the request that caused it.

    ```python
    analytics.track("Swap Completed", address=wallet, context=request_context(event))
    ```

    The package never calls this by itself. The request is not changed, and no framework is imported. The result never
    contains the end user's network address. Removed from URLs and queries are user names, passwords, fragments,
    parameters that usually carry secrets (`token`, `code`, `signature`, `privy_oauth_*` and the like, in any spelling),
    and values that are network addresses or JSON web tokens. *Paths* are sent as they are.

    Args:
        source: An event of API Gateway (REST, HTTP, WebSocket), a Lambda function URL, an Application Load Balancer or
            Lambda@Edge; a WSGI environ; an ASGI scope; a request of Flask, Django, Starlette or FastAPI, and of most
            others; a `BaseHTTPRequestHandler`; an `HttpRequest` of Azure Functions.
        strip: Further query parameters to remove, in any spelling; `"invite*"` means all that begin with `invite`.
            `utm_*`, `ref` and click ids are removed, too, where they are named here.

    Returns:
        Those of the following fields that the request has: `user_agent`, `locale`, `location` (a country, where the
        platform adds it), `page_url`, `page_path`, `page_query`, `referrer` (unless it has the same host),
        `utm_source`, `utm_medium`, `utm_campaign`, `utm_term`, `utm_content`, `ref`, `gclid`, `gad_source`, `fbclid`,
        `msclkid`, `ttclid`, `twclid`, `li_fat_id`, `rdt_cid`. Empty where `source` is no request, such as an event of a
        queue.

    Raises:
        TypeError: `strip` has an element that is not a string.
    """
    # Imported at the first call, with urllib.parse, to keep the import of the package light.
    from formo_lambda.context.fields import fields_of  # noqa: PLC0415
    from formo_lambda.context.redaction import Redaction  # noqa: PLC0415
    from formo_lambda.context.sources import READERS  # noqa: PLC0415

    redaction = Redaction(strip)
    handled = sys.exc_info()[1]
    for read in READERS:
        try:
            request = read(source)
            if request is not None:
                return fields_of(request, redaction)
        except Exception as error:  # a source may be any object, such as a proxy or a mock
            if raised_by_signal_handler(error, handled):
                raise
            # Without the error's text, which may quote the request.
            logger.debug("request_context: reading a %s raised %s", type(source).__name__, type(error).__name__)
    return {}
