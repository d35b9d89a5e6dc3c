"""One request, as a receiver keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class ReceivedRequest(NamedTuple):
    """One request, as it arrived, and what was made of it."""

    #: `time.monotonic()` of the moment the whole body was there.
    arrived: float
    #: The body, byte by byte as sent.
    body: bytes
    #: The headers, by lower-case name.
    headers: Mapping[str, str]
    #: Every event of the body, well-formed or not.
    events: list[dict[str, Any]]
    #: What breaks Formo's contract, in words; empty for a good request.
    problems: list[str]
    #: The number of the connection it came over, from 1; 0 where there is none.
    connection: int = 0
    #: The time its sender allowed for it, in seconds; only a `RecordingTransport` can know.
    timeout: float | None = None
    #: The status of the answer; 0 where there was none and nothing was taken.
    status: int = 0
    #: The events that were taken: the well-formed ones of a request answered with 2xx.
    accepted: tuple[dict[str, Any], ...] = ()
