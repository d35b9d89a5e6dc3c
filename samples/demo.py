"""Run the AWS Lambda sample under AWS's own runtime client, and print what happens: `python -m samples.demo`.

With the name of a file, `python -m samples.demo samples/demo.svg`, it draws the same there.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from formo_lambda.testing import LocalCollector
from samples.demo_picture import Moment, draw
from tests.runtimes.sandbox import LambdaSandbox

if TYPE_CHECKING:
    from tests.runtimes.runtime_api import Invocation

SAMPLE = Path(__file__).parent / "aws_lambda"
FREEZE = 0.5  # seconds
SWAPS: list[dict[str, Any]] = [
    {
        "id": "s-1",
        "wallet": "0x9798d87366bdfc5d70b300abdffc4f9e95369b3d",
        "pair": "ETH/USDC",
        "volume": 4500,
        "fee": 13.5,
    },
    {
        "id": "s-2",
        "wallet": "0x52908400098527886e0f7030069857d2e4169ee7",
        "pair": "WBTC/ETH",
        "volume": 120,
        "fee": 0.36,
    },
    {
        "id": "s-3",
        "wallet": "0xde709f2102306220921060314715629080e2fb77",
        "pair": "UNI/USDC",
        "volume": 80,
        "fee": 0.24,
    },
]


def main(arguments: list[str]) -> int:
    """Post three swaps to the sample and print what happens when; 0 if every event was in time."""
    with LocalCollector() as collector:
        print(f"function   samples/aws_lambda/app.py, Python {sys.version.split()[0]}")
        print(f"runtime    awslambdaric {version('awslambdaric')}, AWS's own, stopped between invocations as on Lambda")
        print(f"endpoint   {collector.url}, a stand-in for Formo on this machine")
        invocations = invoke_all(collector)
    verdict, in_time = conclude(invocations, collector)
    print(f"\n{verdict}")
    for problem in collector.problems:
        print(f"Not as Formo expects it: {problem}")
    if arguments:
        timelines = {title_of(invocation): moments(invocation, collector) for invocation in invocations}
        Path(arguments[0]).write_text(draw(timelines, verdict), encoding="utf-8")
    return 0 if in_time and not collector.problems else 1


def invoke_all(collector: LocalCollector) -> list[Invocation]:
    """Invoke the sample once for each swap, in one process, and print each invocation when it is over."""
    invocations = []
    environment = {"FORMO_WRITE_KEY": "demo-key", "FORMO_EVENTS_BASE_URL": collector.url}
    with LambdaSandbox("app.handler", directory=SAMPLE, environment=environment) as sandbox:
        started = time.monotonic()
        sandbox.start()
        print(f"\nCold start: {(time.monotonic() - started) * 1000:.0f} ms")
        for number, swap in enumerate(SWAPS, 1):
            invocation = sandbox.invoke({"body": json.dumps(swap)})
            sandbox.keep_frozen(FREEZE)
            print(f"\nInvocation {number}: {title_of(invocation)}")
            for moment in moments(invocation, collector):
                print(f"{moment.at:8.1f} ms  {moment.words}")
            invocations.append(invocation)
    return invocations


def title_of(invocation: Invocation) -> str:
    """Return what was posted, in words."""
    return f"a swap of {json.loads(invocation.event['body'])['pair']}"


def moments(invocation: Invocation, collector: LocalCollector) -> list[Moment]:
    """Return what belongs to one invocation in the order of time, in milliseconds since its start."""
    started = invocation.handed_out or 0.0
    found = [(started, "called", "handler called")]
    found += [(arrived, "arrived", f"arrived: {in_words(event)}") for arrived, event in arrivals(invocation, collector)]
    if invocation.answered is not None:
        answer = invocation.response if invocation.error is None else invocation.error
        found.append((invocation.answered, "answered", f"response posted: {json.dumps(answer)}"))
    if invocation.frozen is not None:
        found.append((invocation.frozen, "stopped", f"process stopped for {FREEZE * 1000:.0f} ms"))
    return [Moment((at - started) * 1000, kind, words) for at, kind, words in sorted(found)]


def arrivals(invocation: Invocation, collector: LocalCollector) -> list[tuple[float, dict[str, Any]]]:
    """Return the events of one invocation with the time they came; the wallet says whose they are."""
    wallet = json.loads(invocation.event["body"])["wallet"]
    events = [event for event in collector.unique_events if event["address"].lower() == wallet]
    return [(collector.arrived_at(event["message_id"]), event) for event in events]


def in_words(event: dict[str, Any]) -> str:
    """Describe one event."""
    name = f'track "{event["event"]}"' if event["type"] == "track" else event["type"]
    properties = ", ".join(f"{key} {value}" for key, value in event["properties"].items())
    return f"{name} by {event['address'][:6]}...{event['address'][-4:]} ({properties})"


def conclude(invocations: list[Invocation], collector: LocalCollector) -> tuple[str, bool]:
    """Return the sum of it in words, and whether every event came before the response of its own invocation."""
    expected = 2 * len(SWAPS)
    in_time = sum(
        invocation.answered is not None and arrived <= invocation.answered
        for invocation in invocations
        for arrived, _ in arrivals(invocation, collector)
    )
    connections = "1 connection" if collector.connections == 1 else f"{collector.connections} connections"
    verdict = (
        f"{in_time} of {expected} events arrived before the response of their own invocation was posted,\n"
        f"in {len(collector.requests)} requests over {connections}."
    )
    return verdict, in_time == expected


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
