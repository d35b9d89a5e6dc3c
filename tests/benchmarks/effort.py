"""How much is measured: the full run, and the short one that only shows that everything works."""

from __future__ import annotations

from typing import NamedTuple


class Effort(NamedTuple):
    """How often and how much.

    Attributes:
        cold_rounds: Fresh interpreters for each subject.
        cold_invocations: Fresh Lambda processes for each subject and case.
        bursts: Bursts of `track` for each subject and kind of event.
        buffered: The most events buffered.
        delays: Rounds of warm invocations, by the number of events.
        patience: Seconds after which a subject has no more rounds in a case.
        schemes: How the server is spoken to.
        server_delays: When it answers, in milliseconds.
        ours: Events of ours for the throughput.
        theirs: Events of each peer for the throughput; most are too slow for as many.
        imported: Events of ours for an import against a server that takes its time.
        theirs_imported: Events of each peer for that.
        throughput_rounds: Runs of each subject.
        overlaps: Rounds of overlapping invocations.
        at_once: Rounds of many invocations at once.
        stored: Invocations during an outage.
        clients: Clients of one process.
        invocations: Warm invocations of one process.
    """

    cold_rounds: int
    cold_invocations: int
    bursts: int
    buffered: int
    delays: dict[int, int]
    patience: float
    schemes: tuple[str, ...]
    server_delays: tuple[int, ...]
    ours: int
    theirs: int
    imported: int
    theirs_imported: int
    throughput_rounds: int
    overlaps: int
    at_once: int
    stored: int
    clients: int
    invocations: int


FULL = Effort(
    cold_rounds=11,
    cold_invocations=5,
    bursts=15,
    buffered=100_000,
    delays={0: 40, 1: 40, 20: 15, 200: 9, 2_000: 3},
    patience=1.2,
    schemes=("http", "https"),
    server_delays=(0, 20, 100),
    ours=100_000,
    theirs=10_000,
    imported=50_000,
    theirs_imported=20_000,
    throughput_rounds=3,
    overlaps=25,
    at_once=5,
    stored=300,
    clients=1_000,
    invocations=1_000_000,
)
QUICK = Effort(
    cold_rounds=5,
    cold_invocations=2,
    bursts=5,
    buffered=10_000,
    delays={0: 10, 1: 15, 20: 5, 200: 5, 2_000: 2},
    patience=0.5,
    schemes=("http",),
    server_delays=(0, 20),
    ours=20_000,
    theirs=2_000,
    imported=10_000,
    theirs_imported=2_000,
    throughput_rounds=1,
    overlaps=8,
    at_once=2,
    stored=160,
    clients=100,
    invocations=50_000,
)
