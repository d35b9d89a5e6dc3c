"""`request_context`: find out what kind of request it is, and name what Formo reads of it."""

from __future__ import annotations

import logging
from collections.abc import Iterable

logger = logging.getLogger("formo_lambda")


def request_context(source: object, *, strip: Iterable[str] = ()) -> dict[str, str]:
    """Return the end user's context for an event, read from the request that caused it.

    ```python
    analytics.track("Swap Completed", address=wallet, context=request_context(event))
    ```

    Nothing calls this but you. The request is only read, and no framework is imported. The network address of the end
    user is never part of the result. From URLs and queries are taken out: names and passwords, fragments, parameters
    that usually carry secrets (`token`, `code`, `signature`, `privy_oauth_*` and the like, in any spelling), and values
    that are network addresses or JSON web tokens. What a *path* says is sent as it is.

    Args:
        source: An event of API Gateway (REST, HTTP, WebSocket), a Lambda function URL, an Application Load Balancer or
            Lambda@Edge; a WSGI environ; an ASGI scope; a request of Flask, Django, Starlette or FastAPI, and of most
            others; a `BaseHTTPRequestHandler`; an `HttpRequest` of Azure Functions.
        strip: Further query parameters to take out, in any spelling; `"invite*"` is all that begin so. It also takes
            out `utm_*`, `ref` and click ids that it names.

    Returns:
        Those of these fields that the request tells: `user_agent`, `locale`, `location` (a country, where the platform
        names it), `page_url`, `page_path`, `page_query`, `referrer` (unless it is a page of the same host),
        `utm_source`, `utm_medium`, `utm_campaign`, `utm_term`, `utm_content`, `ref`, `gclid`, `gad_source`, `fbclid`,
        `msclkid`, `ttclid`, `twclid`, `li_fat_id`, `rdt_cid`. Empty where `source` is no request: a queue's event, say.

    Raises:
        TypeError: `strip` holds something that is not a string.
    """
    # Loaded at the first use, with urllib.parse: whoever does not use it does not pay for it.
    from formo_lambda.context import aws, edge, environ, objects, scope  # noqa: PLC0415
    from formo_lambda.context.fields import fields_of  # noqa: PLC0415
    from formo_lambda.context.redaction import Redaction  # noqa: PLC0415

    redaction = Redaction(strip)
    # What recognises the fewest sources comes first.
    for read in (edge.read, scope.read, environ.read, aws.read, objects.read):
        try:
            request = read(source)
            if request is not None:
                return fields_of(request, redaction)
        except Exception as error:  # noqa: BLE001 -- sources are objects of others, proxies and mocks among them
            # Not the error's text: it may quote the request.
            logger.debug("request_context: reading a %s raised %s", type(source).__name__, type(error).__name__)
    return {}
