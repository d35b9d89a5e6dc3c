"""For tests of code that uses this package; nothing here sends anything to Formo.

- `RecordingTransport`: keeps what a client sends in memory. The fastest way, for unit tests.
- `LocalCollector`: an ingest server on the loopback interface, over http or https. For tests of whole processes.
- `FakeLambdaContext`: the second argument of a Lambda handler, with a remaining time that runs down.

The first two are an `Inbox`: they check every request by Formo's documentation, keep it as a `ReceivedRequest`, and
answer it as Formo does, or with the `Answer` that a test asks for.

```python
from formo_lambda import FormoAnalytics
from formo_lambda.testing import RecordingTransport

transport = RecordingTransport()
analytics = FormoAnalytics("a-key", transport=transport)
analytics.track("Swap Completed", properties={"volume": 4500})
analytics.flush()
assert [event["event"] for event in transport.events] == ["Swap Completed"]
assert transport.problems == []
```
"""

from __future__ import annotations

from formo_lambda.testing.collector import LocalCollector
from formo_lambda.testing.lambda_context import FakeLambdaContext
from formo_lambda.testing.recording import Answer, Inbox, ReceivedRequest, RecordingTransport

__all__ = ["Answer", "FakeLambdaContext", "Inbox", "LocalCollector", "ReceivedRequest", "RecordingTransport"]
