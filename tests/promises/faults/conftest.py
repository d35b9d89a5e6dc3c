"""A fault server and clients of it, closed at the end of each test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from .fault_server import FaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from formo_lambda import FormoAnalytics

#: Recognisable wherever it should not be.
KEY = "wk_SECRET_9f3a71c0d2"


class MakeClient(Protocol):
    """**Protocol:** makes a client of the test's server."""

    def __call__(self, **options: Any) -> FormoAnalytics:
        """Return a client with these options; without a server's address it gets the test's."""
        ...


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server that is healthy at first."""
    with FaultServer() as started:
        yield started


@pytest.fixture
def make_client(server: FaultServer) -> Iterator[MakeClient]:
    """Makes clients of the server; each is closed once the server is healthy again."""
    # Here, so that the fault server can be tested without the package.
    from formo_lambda import FormoAnalytics

    made: list[FormoAnalytics] = []

    def make(**options: Any) -> FormoAnalytics:
        made.append(FormoAnalytics(KEY, **{"api_host": server.url, "handle_signals": False, **options}))
        return made[-1]

    yield make
    server.lift()
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: MakeClient) -> FormoAnalytics:
    """A client of the server with default options."""
    return make_client()
