"""The proxy that the standard environment variables name for a URL."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


logger = logging.getLogger("formo_lambda")


class Proxy(NamedTuple):
    """An HTTP proxy.

    Attributes:
        host: Its host name.
        port: Its port.
        headers: The header fields it wants, credentials among them.
    """

    host: str
    port: int
    headers: Mapping[str, str]


def proxy_for(scheme: str, netloc: str) -> Proxy | None:
    """Return the proxy for a URL, by `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy` in either case.

    Args:
        scheme: The scheme of the URL.
        netloc: Its host and port.

    Returns:
        The proxy, or None where there is none, or none of the supported kind.
    """
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    import base64  # noqa: PLC0415 -- few environments have a proxy
    from urllib import request  # noqa: PLC0415
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415

    proxies = request.getproxies_environment()
    named = proxies.get(scheme) or proxies.get("all")
    if not named or request.proxy_bypass_environment(netloc, proxies):  # type: ignore[attr-defined] # missing from typeshed
        return None
    url = urlsplit(named if "://" in named else f"http://{named}")
    if url.scheme != "http" or not url.hostname:
        # The variable may be meant for others, and an application must not fail to start for its analytics.
        logger.warning("the proxy for %s URLs is ignored: only proxies with an http:// URL are supported", scheme)
        return None
    headers = {}
    if url.username:
        credentials = f"{unquote(url.username)}:{unquote(url.password or '')}".encode()
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(credentials).decode("ascii")
    return Proxy(url.hostname, url.port or 80, headers)
