"""Every default, limit, unit and environment name of the package, each written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION: Final = "0.1.0"
LIBRARY_NAME: Final = "Formo Python SDK"

DEFAULT_API_HOST: Final = "https://events.formo.so"
INGEST_PATH: Final = "/v0/raw_events"

ENV_WRITE_KEY: Final = "FORMO_WRITE_KEY"
ENV_API_HOST: Final = "FORMO_EVENTS_BASE_URL"
ENV_DISABLED: Final = "FORMO_DISABLED"

#: One request carries at most this many events, whatever `flush_at` is.
MAX_BATCH_EVENTS: Final = 100
#: One event may have at most this many bytes as sent.
MAX_EVENT_BYTES: Final = 490_000
#: What an attempt to send adds to the bytes of an event.
SENT_AT_BYTES: Final = len(',"sent_at":"2026-01-01T00:00:00.000Z"}')

#: Seconds a worker waits for its next task before it ends.
WORKER_IDLE: Final = 1.0
#: Requests of one client that are under way at a time; also workers that deliver to one endpoint.
MAX_REQUESTS: Final = 10
#: Bytes of events that wait for a slow `on_undelivered`; what is more is only logged.
CALLBACK_BACKLOG: Final = 5_000_000

#: Seconds the circuit breaker stays open after a transient failure; doubled at each further one, up to the last value.
BREAKER_PAUSE: Final = 5.0
BREAKER_PAUSE_MAX: Final = 60.0
#: The longest time, in seconds, that a server's Retry-After may keep the breaker open.
RETRY_AFTER_MAX: Final = 300.0
#: Seconds that an invocation waits for the probe of a half-open breaker.
PROBE_WAIT: Final = 0.25
#: Seconds an attempt must have had for a server's silence to count as a failure.
FAIR_ATTEMPT: Final = 0.25
#: Seconds that a request may take which no flush waits for, all its attempts together.
BACKGROUND_BUDGET: Final = 10.0
#: The longest wait between two attempts of such a request, in seconds.
BACKGROUND_WAIT: Final = 1.0
#: Seconds past its deadline after which nobody counts on a request any more.
OVERDUE: Final = 1.0
#: Seconds that a flush must have left to take other flushes' events along in its request.
OTHERS_TIME: Final = 1.0
#: Seconds that `track` waits at most where more waits than may be retained; how often it looks meanwhile.
TRACK_WAIT: Final = 0.75
CROWDED_WAIT: Final = 0.005
#: Seconds an invocation is open before its events are watched for their age.
LONG_INVOCATION: Final = 0.1

#: Backoff between attempts: uniform between 0 and BACKOFF_BASE * 2**n seconds, at most BACKOFF_MAX.
BACKOFF_BASE: Final = 0.25
BACKOFF_MAX: Final = 8.0
#: Requests that may be spent on finding the bad events of one refused batch.
MAX_ISOLATION_REQUESTS: Final = 32
#: Bytes of an answer that are read.
MAX_ANSWER_BYTES: Final = 65_536
#: Seconds that an answer's body may take once its status is known: whoever drips it does not hold the news back.
ANSWER_BODY_WAIT: Final = 0.1
#: Seconds of wall clock after which an idle connection is not trusted any more (a freeze counts).
CONNECTION_IDLE_MAX: Final = 50.0

#: Seconds of the platform's deadline that a flush leaves to the runtime.
DEADLINE_RESERVE: Final = 0.25

#: Seconds that all clients together get at interpreter exit.
EXIT_BUDGET: Final = 2.0
#: Seconds past that after which the exit goes on all the same.
EXIT_GRACE: Final = 0.1
#: The part of it that is kept for handing over what could not be sent.
HAND_OVER_SHARE: Final = 0.25

#: Seconds to which a longer timeout is cut: a day is as good as for ever, and any clock can count it.
LONGEST_TIMEOUT: Final = 86_400.0

OnInvalid = Literal["raise", "log"]


class WriteKey:
    """The write key: shown masked, never pickled, revealed only to the request header."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key itself, for the Authorization header."""
        return self._value

    def __repr__(self) -> str:
        return "WriteKey('***')"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a write key cannot be pickled; construct the client in each process")


class Options(NamedTuple):
    """The options of one client, checked.

    Attributes:
        write_key: None where the client is disabled without one.
        endpoint: The URL that events are posted to.
        flush_at: Events that make a buffer leave.
        flush_interval: Seconds after which the oldest buffered event makes it leave.
        max_queue_size: Bytes, as sent, that make a buffer leave; also the most that one request carries.
        retry_count: Further attempts after the first, for one batch.
        flush_timeout: The most seconds one flush takes.
        request_timeout: The most seconds one attempt takes.
        max_retained_size: The most bytes of events kept for a later flush.
        enabled: Whether anything is buffered and sent at all.
        handle_signals: Whether SIGTERM flushes before it ends the process.
        on_undelivered: Called with events that are given up, as a list of dicts, and the reason.
        on_invalid: Whether an invalid event raises or is logged and dropped.
        json_default: Called for a value that has no JSON form of its own.
    """

    write_key: WriteKey | None
    endpoint: str
    flush_at: int
    flush_interval: float
    max_queue_size: int
    retry_count: int
    flush_timeout: float
    request_timeout: float
    max_retained_size: int
    enabled: bool
    handle_signals: bool
    on_undelivered: Callable[[list[dict[str, Any]], Exception], object] | None
    on_invalid: OnInvalid
    json_default: Callable[[object], object] | None
