"""The suite itself cannot reach beyond this machine, nor be steered by its environment."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

# An address reserved for documentation: were the guard gone, nobody would be reached.
FOREIGN = "192.0.2.1"


def test_connection_to_another_machine_is_refused() -> None:
    """A socket's connection to an address other than a loopback one is refused before a packet leaves."""
    with socket.socket() as connection, pytest.raises(RuntimeError, match="loopback"):
        connection.connect((FOREIGN, 443))


def test_datagram_to_another_machine_is_refused() -> None:
    """A datagram to an address other than a loopback one is refused."""
    with socket.socket(type=socket.SOCK_DGRAM) as sender, pytest.raises(RuntimeError, match="loopback"):
        sender.sendto(b"x", (FOREIGN, 9))


def test_name_is_not_looked_up() -> None:
    """The address of a name other than localhost is not even asked for."""
    with pytest.raises(RuntimeError, match="loopback"):
        socket.getaddrinfo("events.invalid", 443)


def test_asyncio_is_held_to_the_same_rule() -> None:
    """A connection made by an event loop is refused as well."""
    with pytest.raises(RuntimeError, match="loopback"):
        asyncio.run(asyncio.open_connection(FOREIGN, 443))


def test_loopback_is_reachable() -> None:
    """A connection within this machine is let through."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()


def test_environment_is_clean() -> None:
    """No setting of this package and no proxy comes from the machine that the tests run on."""
    assert not [name for name in os.environ if name.startswith("FORMO_") or name.lower().endswith("_proxy")]
