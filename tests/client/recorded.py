"""Fixtures: clients whose requests are kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from formo_lambda import FormoAnalytics
from formo_lambda.testing import RecordingTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "test-key"


class MakeClient(Protocol):
    """**Protocol:** makes a client of the test's transport."""

    def __call__(self, **options: Any) -> FormoAnalytics:
        """Return a client with these options; without a transport among them it gets the test's."""
        ...


@pytest.fixture
def transport() -> RecordingTransport:
    """Takes every request, and keeps it."""
    return RecordingTransport(write_key=KEY)


@pytest.fixture
def make_client(transport: RecordingTransport) -> Iterator[MakeClient]:
    """Makes clients of the transport; each is closed once the transport is well again."""
    made: list[FormoAnalytics] = []

    def make(**options: Any) -> FormoAnalytics:
        made.append(FormoAnalytics(KEY, **{"transport": transport, "handle_signals": False, **options}))
        return made[-1]

    yield make
    transport.respond_with()
    transport.delay = 0.0
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: MakeClient) -> FormoAnalytics:
    """A client of the transport with default options."""
    return make_client()


def names(transport: RecordingTransport) -> list[str]:
    """Return the names of the events that have arrived, in order of arrival."""
    return [event["event"] for event in transport.events]
