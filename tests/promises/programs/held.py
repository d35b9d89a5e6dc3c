"""Meet what holds a delivery up, in one of the ways to wait for it; write down how long each wait took.

The arguments name what holds it up and the way. Addresses come from the environment, as HELD_REFUSING (a server that
refuses every batch), HELD_NAME (a base URL whose name does not resolve in time), HELD_PROXIED (one behind a proxy in
trouble), HELD_TLS (a server in trouble).
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import socket
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from formo_lambda import FormoAnalytics, formo_flush

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

#: Longer than every bound, and than the program lives.
LONG = 30.0
BUDGET = 0.3
#: Of a flush that a signal interrupts.
OUTER = 1.2


class Hanging:
    """A transport that takes no notice of its timeout."""

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Any:
        """Hang."""
        time.sleep(LONG)
        raise OSError("at last")


def _hang(*_: object) -> None:
    time.sleep(LONG)


def transport() -> list[FormoAnalytics]:
    """Give the client a transport that hangs."""
    return [FormoAnalytics(transport=Hanging())]


def callback() -> list[FormoAnalytics]:
    """Have the events refused, and their callback hang."""
    return [FormoAnalytics(api_host=os.environ["HELD_REFUSING"], on_undelivered=_hang)]


def name() -> list[FormoAnalytics]:
    """Have the name of the server take long to resolve."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if host == "localhost":
            time.sleep(LONG)
        return real(host, *args, **options)

    socket.getaddrinfo = getaddrinfo
    return [FormoAnalytics(api_host=os.environ["HELD_NAME"])]


def proxy() -> list[FormoAnalytics]:
    """Go through a proxy that answers CONNECT a byte at a time."""
    return [FormoAnalytics(api_host=os.environ["HELD_PROXIED"])]


def handshake() -> list[FormoAnalytics]:
    """Go to a server that sends its part of the TLS handshake a byte at a time."""
    return [FormoAnalytics(api_host=os.environ["HELD_TLS"])]


def together() -> list[FormoAnalytics]:
    """Have one client for each of these."""
    return transport() + callback() + name() + proxy() + handshake()


HELD_UP: dict[str, Callable[[], list[FormoAnalytics]]] = {
    each.__name__: each for each in (transport, callback, name, proxy, handshake, together)
}


def track(clients: list[FormoAnalytics]) -> None:
    """Track some events with each client."""
    for client in clients:
        for number in range(3):
            client.track("Held Up", properties={"number": number})


def timed(what: str, limit: float, call: Callable[[], object]) -> None:
    """Write down the seconds that a call took, and those that it was allowed."""
    began = time.monotonic()
    call()
    print(json.dumps([what, time.monotonic() - began, limit]), flush=True)


def flush(clients: list[FormoAnalytics]) -> None:
    """Flush each client."""
    track(clients)
    for client in clients:
        timed("flush", BUDGET, partial(client.flush, BUDGET))


def handler(clients: list[FormoAnalytics]) -> None:
    """Track in a handler, twice: the second time what the first one left is waited for as well."""

    @formo_flush(timeout=BUDGET)
    def handle(event: object, context: object) -> None:
        track(clients)

    for _ in range(2):
        timed("handler", BUDGET, lambda: handle({}, None))


def async_handler(clients: list[FormoAnalytics]) -> None:
    """Track in a handler on an event loop, twice."""

    @formo_flush(timeout=BUDGET)
    async def handle(event: object, context: object) -> None:
        track(clients)

    async def main() -> None:
        for _ in range(2):
            began = time.monotonic()
            await handle({}, None)
            print(json.dumps(["async handler", time.monotonic() - began, BUDGET]), flush=True)

    asyncio.run(main())


def aflush(clients: list[FormoAnalytics]) -> None:
    """Await the flushes of all clients at once; the end of the loop, which joins its threads, counts as well."""
    track(clients)

    async def main() -> None:
        await asyncio.gather(*(client.aflush(BUDGET) for client in clients))

    timed("aflush", BUDGET, lambda: asyncio.run(main()))


def in_signal(clients: list[FormoAnalytics]) -> None:
    """Flush in a signal handler on top of a flush of the same client, under way on the same thread."""

    def on_alarm(number: int, frame: FrameType | None) -> None:
        track(clients)
        for client in clients:
            timed("flush in a signal handler", BUDGET, partial(client.flush, BUDGET))

    track(clients)
    signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, 0.15)
    # The flush underneath cannot return while the handler runs.
    limit = max(OUTER, 0.15 + BUDGET * len(clients))
    timed("flush underneath", limit, lambda: clients[0].flush(OUTER))


def on_sigterm(clients: list[FormoAnalytics]) -> None:
    """Be in a flush when SIGTERM comes."""
    track(clients)
    clients[0].flush(LONG)


def at_exit(clients: list[FormoAnalytics]) -> None:
    """End, with a flush in an exit callback of the host's that comes before ours."""
    track(clients)
    atexit.register(lambda: timed("flush at exit", BUDGET, lambda: clients[0].flush(BUDGET)))


WAYS: dict[str, Callable[[list[FormoAnalytics]], None]] = {
    each.__name__: each for each in (flush, handler, async_handler, aflush, in_signal, on_sigterm, at_exit)
}


def main(held_up: str, way: str) -> None:
    """Say that all is loaded, wait for a line where no signal is waited for, and go the way."""
    clients = HELD_UP[held_up]()
    print("ready", flush=True)
    if way != "on_sigterm":
        sys.stdin.readline()
    WAYS[way](clients)
    if way != "at_exit":
        # How a process ends is told by the other ways.
        sys.stdout.flush()
        os._exit(0)


main(sys.argv[1], sys.argv[2])
