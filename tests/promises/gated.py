"""A transport whose requests wait until they are let through, so that invocations come to share one."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from formo_lambda.transport.protocol import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from formo_lambda import FormoAnalytics

#: How many requests of one client are under way at most.
PLACES = 10
#: The name of an event that the server refuses, together with all that is in the same request.
BAD = "Bad"
_PLUG = "Plug"


class Request(NamedTuple):
    """A request that was made, whatever became of it."""

    #: Which invocations its events are of.
    invocations: frozenset[str]
    accepted: bool


class GatedTransport:
    """Takes what it is sent, a little later; a request with the event of a plug in it waits for that plug's gate.

    Args:
        delay: How many seconds each answer takes, in turn: the last for good.
    """

    def __init__(self, *delay: float) -> None:
        self.delay = list(delay) or [0.0]
        self.requests: list[Request] = []
        #: The message id of every event that was accepted, as often as it was.
        self.accepted: list[str] = []
        #: How many requests are under way, and how many were at most.
        self.under_way = 0
        self.most = 0
        self._gates: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Answer with 400 for a bad event, else with 200; never later than it may."""
        events: list[dict[str, Any]] = json.loads(body)
        until = time.monotonic() + timeout
        gates = [self._gates[event["properties"]["invocation"]] for event in events if event["event"] == _PLUG]
        with self._lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            delay = self.delay.pop(0) if len(self.delay) > 1 and not gates else self.delay[0]
        in_time = all(gate.wait(until - time.monotonic()) for gate in gates)
        left = until - time.monotonic()
        time.sleep(max(0.0, min(delay, left)))
        in_time &= delay <= left
        accepted = in_time and not any(event["event"] == BAD for event in events)
        with self._lock:
            self.under_way -= 1
            self.requests.append(Request(frozenset(event["properties"]["invocation"] for event in events), accepted))
            if accepted:
                self.accepted += [event["message_id"] for event in events]
        if not in_time:
            raise TimeoutError("no answer in time")
        return Response(200 if accepted else 400, {"content-type": "application/json"}, b"{}")

    def fill(self, client: FormoAnalytics, last_timeout: float = 20.0) -> Callable[[], None]:
        """Take every place, each with an invocation that waits; return what lets one of them go on at each call.

        Args:
            client: What they track with.
            last_timeout: The most seconds that the last of them waits; the others have time.
        """
        plugs: list[tuple[threading.Event, threading.Thread]] = []
        for number in range(PLACES):
            name = f"plug {number}"
            self._gates[name] = gate = threading.Event()
            timeout = last_timeout if number == PLACES - 1 else 20.0
            thread = threading.Thread(target=_plug, args=(client, name, timeout), daemon=True)
            plugs.append((gate, thread))
            thread.start()
            wait_until(lambda: self.under_way == len(plugs), f"{len(plugs)} requests are under way")

        waiting: Iterator[tuple[threading.Event, threading.Thread]] = iter(plugs)

        def free() -> None:
            gate, thread = next(waiting)
            gate.set()
            thread.join(10.0)
            assert not thread.is_alive()

        return free

    def open_last(self) -> None:
        """Let the events of the last plug through from now on."""
        self._gates[f"plug {PLACES - 1}"].set()

    def open_all(self) -> None:
        """Let every plug go on."""
        for gate in self._gates.values():
            gate.set()


def _plug(client: FormoAnalytics, name: str, timeout: float) -> None:
    with client.invocation(timeout=timeout):
        client.track(_PLUG, properties={"invocation": name})


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds, for two seconds at most."""
    deadline = time.monotonic() + 2.0
    while not holds():
        assert time.monotonic() < deadline, f"not after two seconds: {what}"
        time.sleep(0.001)
