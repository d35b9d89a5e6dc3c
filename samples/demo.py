"""The AWS Lambda sample under AWS's own runtime client, told line by line: `python -m samples.demo`."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from formo_lambda.testing import LocalCollector
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


def main() -> int:
    """Post three swaps to the sample and say what happened when; 0 if every event was in time."""
    with LocalCollector() as collector:
        print(f"function   samples/aws_lambda/app.py, Python {sys.version.split()[0]}")
        print(f"runtime    awslambdaric {version('awslambdaric')}, AWS's own, stopped between invocations as on Lambda")
        print(f"endpoint   {collector.url}, a stand-in for Formo on this machine")
        invocations = invoke_all(collector)
    return conclude(invocations, collector)


def invoke_all(collector: LocalCollector) -> list[Invocation]:
    """Invoke the sample once for each swap, in one process, and tell of each invocation when it is over."""
    invocations = []
    environment = {"FORMO_WRITE_KEY": "demo-key", "FORMO_EVENTS_BASE_URL": collector.url}
    with LambdaSandbox("app.handler", directory=SAMPLE, environment=environment) as sandbox:
        started = time.monotonic()
        sandbox.start()
        print(f"\nCold start: {(time.monotonic() - started) * 1000:.0f} ms")
        for number, swap in enumerate(SWAPS, 1):
            invocation = sandbox.invoke({"body": json.dumps(swap)})
            sandbox.keep_frozen(FREEZE)
            print(f"\nInvocation {number}: a swap of {swap['pair']}")
            tell(invocation, collector)
            invocations.append(invocation)
    return invocations


def tell(invocation: Invocation, collector: LocalCollector) -> None:
    """Print what belongs to one invocation in the order of time, in milliseconds since its start."""
    started = invocation.handed_out or 0.0
    lines = [(started, "handler called")]
    lines += [(arrived, f"arrived: {in_words(event)}") for arrived, event in arrivals(invocation, collector)]
    if invocation.answered is not None:
        answer = invocation.response if invocation.error is None else invocation.error
        lines.append((invocation.answered, f"response posted: {json.dumps(answer)}"))
    if invocation.frozen is not None:
        lines.append((invocation.frozen, f"process stopped for {FREEZE * 1000:.0f} ms"))
    for moment, words in sorted(lines):
        print(f"{(moment - started) * 1000:8.1f} ms  {words}")


def arrivals(invocation: Invocation, collector: LocalCollector) -> list[tuple[float, dict[str, Any]]]:
    """Give the events of one invocation with the time they came; the wallet tells whose they are."""
    wallet = json.loads(invocation.event["body"])["wallet"]
    events = [event for event in collector.unique_events if event["address"].lower() == wallet]
    return [(collector.arrived_at(event["message_id"]), event) for event in events]


def in_words(event: dict[str, Any]) -> str:
    """Describe one event."""
    name = f'track "{event["event"]}"' if event["type"] == "track" else event["type"]
    properties = ", ".join(f"{key} {value}" for key, value in event["properties"].items())
    return f"{name} by {event['address'][:6]}...{event['address'][-4:]} ({properties})"


def conclude(invocations: list[Invocation], collector: LocalCollector) -> int:
    """Print the sum of it; 0 if every event came before the response of its invocation and was well-formed."""
    expected = 2 * len(SWAPS)
    in_time = sum(
        invocation.answered is not None and arrived <= invocation.answered
        for invocation in invocations
        for arrived, _ in arrivals(invocation, collector)
    )
    print(f"\n{in_time} of {expected} events arrived before the response of their own invocation was posted,")
    print(f"in {len(collector.requests)} requests over {collector.connections} connection(s).")
    for problem in collector.problems:
        print(f"Not as Formo expects it: {problem}")
    return 0 if in_time == expected and not collector.problems else 1


if __name__ == "__main__":
    sys.exit(main())
