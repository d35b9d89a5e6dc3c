"""What holds for every test: a clean environment, no network beyond this machine, bounded property tests."""

from __future__ import annotations

import ipaddress
import os
import sys

import hypothesis

# Cleaned here, not in a fixture, so that modules under collection and every child process see it clean too.
_NETWORK = {"AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE", "SSLKEYLOGFILE"}
for _name in list(os.environ):
    if _name.startswith("FORMO_") or _name.lower().endswith("_proxy") or _name in _NETWORK:
        del os.environ[_name]

# The fixtures of clients in memory; after the cleaning, because it imports the package.
from tests.client.recorded import client, make_client, transport  # noqa: E402 -- see above

__all__ = ["client", "make_client", "transport"]


class ForeignConnectionError(RuntimeError):
    """A test tried to leave this machine. Not an OSError, which the code under test rightly survives."""


def _is_local(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False  # a name: asking for its address would already leave this machine


def _refuse_foreign_connections(event: str, args: tuple[object, ...]) -> None:
    if event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = args[0]
    elif event in {"socket.connect", "socket.sendto"} and isinstance(args[1], tuple):  # else a Unix socket's path
        host = args[1][0]
    else:
        return
    if not _is_local(host):
        raise ForeignConnectionError(f"{event} to {host!r}: tests talk to loopback addresses only")


# An audit hook sees every way to a socket (asyncio, urllib3, C code), and no patch in a test can undo it.
sys.addaudithook(_refuse_foreign_connections)

# How long examples take says nothing on a loaded machine. Each profile is chosen with `--hypothesis-profile`; on CI the
# built-in profile of that name is in force, which is reproducible.
_UNHURRIED = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("default", _UNHURRIED)
hypothesis.settings.register_profile("thorough", _UNHURRIED, max_examples=2_000)
hypothesis.settings.register_profile("quick", _UNHURRIED, max_examples=25)
