"""Every default, limit, unit and environment name of the package, each written once."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
LIBRARY_NAME: Final = "Formo Python SDK"

DEFAULT_API_HOST: Final = "https://events.formo.so"
INGEST_PATH: Final = "/v0/raw_events"

ENV_WRITE_KEY: Final = "FORMO_WRITE_KEY"
ENV_API_HOST: Final = "FORMO_EVENTS_BASE_URL"
ENV_DISABLED: Final = "FORMO_DISABLED"
ENV_DEBUG: Final = "FORMO_DEBUG"

#: Where the events of a backend may come from: a server, your own API's clients, or an import of past events.
CHANNELS: Final = ("server", "api", "import")

#: One request carries at most this many events, whatever `flush_at` is.
MAX_BATCH_EVENTS: Final = 100
#: One event may have at most this many bytes as sent.
MAX_EVENT_BYTES: Final = 490_000
#: What an attempt to send adds to the bytes of an event.
SENT_AT_BYTES: Final = len(',"sent_at":"2026-01-01T00:00:00.000Z"}')

#: Seconds a worker waits for its next task before it ends.
WORKER_IDLE: Final = 1.0
#: Seconds that a thread waits for its turn to have a worker do something, before it does without.
LOCK_WAIT: Final = 0.1
#: Requests of one client that are under way at a time; also workers that deliver to one endpoint.
MAX_REQUESTS: Final = 10
#: Bytes of events that wait for a slow `on_undelivered`; what is more is only logged.
CALLBACK_BACKLOG: Final = 5_000_000
#: Log lines that wait for a slow log handler; what is more is left out.
LOG_BACKLOG: Final = 100
#: Seconds that a flush waits, once it is over, for its log lines to be written.
LOG_WAIT: Final = 0.1
#: Seconds within which lost events are summed up in one log line.
LOSS_INTERVAL: Final = 1.0
#: Seconds between two log lines about one outage.
OUTAGE_INTERVAL: Final = 60.0

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
#: Seconds that `track` waits at most where more is pending than may be; how often it looks meanwhile.
TRACK_WAIT: Final = 0.75
CROWDED_WAIT: Final = 0.005
#: Seconds an invocation is open before its events are watched for their age.
LONG_INVOCATION: Final = 0.1

#: Backoff between attempts: uniform between 0 and BACKOFF_BASE * 2**n seconds, at most BACKOFF_MAX.
BACKOFF_BASE: Final = 0.25
BACKOFF_MAX: Final = 8.0
#: Requests that may be spent on finding the bad events of one refused batch.
MAX_ISOLATION_REQUESTS: Final = 32
#: Bytes of a body above which a server that resets the connection without an answer may do so for its size.
LARGE_BODY: Final = 65_536
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
#: The part of it that is kept for saying so, where nobody is to be handed anything: 10 MB take a moment to be counted.
TELL_SHARE: Final = 0.05

#: Seconds to which a longer timeout is cut: a day is as good as for ever, and any clock can count it.
LONGEST_TIMEOUT: Final = 86_400.0
