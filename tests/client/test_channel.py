"""Where events come from: a backend, the clients of an API, or an import of past events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import ConfigurationError, FormoAnalytics, ValidationError

if TYPE_CHECKING:
    from formo_lambda.testing import RecordingTransport
    from tests.client.recorded import MakeClient


@pytest.mark.parametrize("channel", ["server", "api", "import"])
def test_the_client_says_it_for_all_events(
    make_client: MakeClient, transport: RecordingTransport, channel: Any
) -> None:
    """An event that says nothing has the client's."""
    client = make_client(channel=channel)
    client.track("A")
    client.identify("0x9798d87366bdfc5d70b300abdffc4f9e95369b3d")
    client.flush()
    assert [event["channel"] for event in transport.events] == [channel, channel]
    assert transport.problems == []


def test_an_event_may_say_it_itself(client: FormoAnalytics, transport: RecordingTransport) -> None:
    """The others keep the client's."""
    client.track("A", channel="import")
    client.track("B")
    client.track("C", channel=None)
    client.flush()
    assert [event["channel"] for event in transport.events] == ["import", "server", "server"]


@pytest.mark.parametrize("channel", ["web", "mobile", "", "Import", 1, ["import"], object()])
def test_anything_else_is_an_error_that_names_what_there_is(client: FormoAnalytics, channel: Any) -> None:
    """Browsers and phones have SDKs of their own."""
    with pytest.raises(ValidationError, match=r"channel: must be 'server' or 'api' or 'import'"):
        client.track("A", channel=channel)
    with pytest.raises(ConfigurationError, match=r"channel: must be 'server' or 'api' or 'import'"):
        FormoAnalytics("key", channel=channel)
