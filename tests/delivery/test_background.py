"""What is due while nobody flushes, where threads meet."""

from __future__ import annotations

import threading
import time

from formo_lambda import FormoAnalytics
from formo_lambda.testing import RecordingTransport


def test_an_event_after_a_flush_that_came_between_is_sent_when_it_is_due() -> None:
    """Another thread's flush takes the first event before it is told of: the second is the first, then."""
    transport = RecordingTransport()
    client = FormoAnalytics("test-key", transport=transport, flush_interval=1.0, handle_signals=False)
    background = client._queue.background
    tell = background._on_first_event  # type: ignore[attr-defined] # of the class, not of the protocol

    def flush_first() -> None:
        background._on_first_event = tell  # type: ignore[attr-defined] # once
        flush = threading.Thread(target=client.flush)
        flush.start()
        flush.join()
        tell()

    background._on_first_event = flush_first  # type: ignore[attr-defined] # likewise
    try:
        client.track("First")
        assert [event["event"] for event in transport.events] == ["First"]
        client.track("Second")
        limit = time.monotonic() + 5.0
        while len(transport.events) < 2 and time.monotonic() < limit:
            time.sleep(0.01)
        assert [event["event"] for event in transport.events] == ["First", "Second"]
    finally:
        client.close()
