"""The proxy that the standard environment variables name for a host."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from formo_lambda.errors import ConfigurationError
from formo_lambda.options import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

_RULE = (
    "must be the URL of a proxy: http:// or https://, [user:password@]host, [:port]; "
    "in user and password, write '#', '/', '?', '@', ':' and '%' as %23, %2F, %3F, %40, %3A and %25"
)


class Proxy:
    """A proxy. Not a tuple, so that nobody who shows it shows its credentials.

    Args:
        scheme: How it is spoken to: http, https, or what is not supported.
        host: Its host name.
        port: Its port.
        headers: The header fields it wants, credentials among them.
    """

    def __init__(self, scheme: str, host: str, port: int, headers: Mapping[str, str]) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.headers = headers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Proxy) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.scheme, self.host, self.port))


def proxy_for(host: str, port: int) -> Proxy | None:
    """Return the proxy for an https:// URL by `https_proxy`, `all_proxy` and `no_proxy`, in lower or upper case.

    The lower-case name comes first, and an empty variable is none. `http_proxy` is only checked: nothing goes to
    another machine in the clear.

    Args:
        host: The host of the URL; this machine needs no proxy.
        port: Its port.

    Raises:
        ConfigurationError: A variable does not parse, or names a proxy of a kind that is not supported.
    """
    variables = [found for name in ("https_proxy", "all_proxy", "http_proxy") if (found := _that_is_set(name))]
    if not variables or is_loopback(host.rstrip(".")) or _is_exempt(host, port):
        return None
    proxies: dict[str, Proxy] = {}
    for variable in variables:
        # Nothing of the value is in a local here: what shows a traceback's locals would show the password.
        proxy = _parsed(os.environ[variable])
        if proxy is None:
            raise ConfigurationError(variable, _RULE)
        proxies[variable] = proxy
    variable, used = next(iter(proxies.items()))
    if variable.lower() == "http_proxy":
        return None
    if used.scheme.startswith("socks"):
        raise ConfigurationError(variable, f"{used.scheme}:// proxies are not supported; it {_RULE}")
    if used.scheme not in ("http", "https"):
        raise ConfigurationError(variable, _RULE)
    return used


def _that_is_set(name: str) -> str | None:
    """Return the variable of a name, in lower or upper case, that is set and not empty."""
    spellings = [name, name.upper()]
    if name == "http_proxy" and "REQUEST_METHOD" in os.environ:
        # Under CGI the upper-case one is what the client of the request says in its header "Proxy".
        spellings.remove(name.upper())
    return next((spelling for spelling in spellings if os.environ.get(spelling, "").strip()), None)


def _parsed(value: str) -> Proxy | None:
    """Return the proxy that a variable's value names, or None where it is no URL of a host."""
    import base64  # noqa: PLC0415 -- few environments have a proxy
    from urllib.parse import unquote_to_bytes, urlsplit  # noqa: PLC0415

    value = value.strip()
    try:
        url = urlsplit(value if "://" in value else f"http://{value}")
        host, port = url.hostname, url.port
    except ValueError:
        return None
    if not host or not host.isprintable() or " " in host or port == 0:
        return None
    if url.path not in ("", "/") or url.query or url.fragment:  # what begins there may belong to the password
        return None
    headers = {}
    if url.username or url.password:
        # The bytes of the environment, which need not be UTF-8: an error about that would hold the password.
        user, password = (unquote_to_bytes(os.fsencode(part or "")) for part in (url.username, url.password))
        credentials = user + b":" + password
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(credentials).decode("ascii")
    return Proxy(url.scheme, host, port or (443 if url.scheme == "https" else 80), headers)


def _is_exempt(host: str, port: int) -> bool:
    """Whether `no_proxy` lists a host: by name, domain, address, network, each but the last with a port or without."""
    variable = _that_is_set("no_proxy")
    if variable is None:
        return False
    import ipaddress  # noqa: PLC0415 -- likewise

    host = host.rstrip(".").lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    bracketed = f"[{host}]" if ":" in host else host
    spellings = (host, bracketed, f"{bracketed}:{port}")
    for entry in os.environ[variable].lower().replace(",", " ").split():
        if entry == "*" or entry in spellings:
            return True
        if address is None:
            domain = "." + entry.removeprefix("*").strip(".")
            if domain != "." and any(f".{spelling}".endswith(domain) for spelling in spellings):
                return True
            continue
        try:
            if address in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:  # a name
            pass
    return False
