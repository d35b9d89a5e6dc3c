"""The faults that delivery is proved against: how each begins and ends, and what it may do to the truth."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from . import behaviours
from .certificates import Certificates
from .fault_server import FaultServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class World(NamedTuple):
    """What one fault needs around the client: the server, the way to it, and the switch."""

    server: FaultServer
    api_host: str
    begin: Callable[[], None]
    end: Callable[[], None]


class Fault(NamedTuple):
    """One fault of the product.

    Attributes:
        name: Its row in the table.
        world: Makes everything it needs; the fault is off at first.
        fate: What becomes of the events while it lasts, in time enough: all `kept` for later, all `sent` although the
            answer is odd, or `open` where both, or giving them up, is honest.
        duplicates: Whether an event may honestly be sent twice, because the answer to the first time was lost.
        alone: Whether it needs a process of its own, because it replaces a part of the standard library.
    """

    name: str
    world: Callable[[], AbstractContextManager[World]]
    fate: Literal["kept", "sent", "open"]
    duplicates: bool = False
    alone: bool = False


def _plain(begin: Callable[[FaultServer], None]) -> Callable[[], AbstractContextManager[World]]:
    @contextlib.contextmanager
    def world() -> Iterator[World]:
        with FaultServer() as server:
            yield World(server, server.url, lambda: begin(server), server.lift)

    return world


def _behaves(behaviour: Callable[[], behaviours.Behaviour]) -> Callable[[], AbstractContextManager[World]]:
    return _plain(lambda server: server.switch(behaviour()))


@contextlib.contextmanager
def _redirecting() -> Iterator[World]:
    with FaultServer() as server, FaultServer() as other:
        location = f"http://localhost:{other.port}/v0/raw_events"
        yield World(server, server.url, lambda: server.switch(behaviours.redirect(location)), server.lift)
        if other.ledger.connections:
            raise AssertionError("a redirect was followed to another host")


@contextlib.contextmanager
def _untrusted() -> Iterator[World]:
    before = os.environ.get("SSL_CERT_FILE")
    with tempfile.TemporaryDirectory() as folder:
        certificates = Certificates(Path(folder))
        os.environ["SSL_CERT_FILE"] = str(certificates.authority_file)
        try:
            with FaultServer(tls=certificates.trusted) as server:

                def begin() -> None:
                    server.tls = certificates.untrusted

                def end() -> None:
                    server.tls = certificates.trusted

                yield World(server, server.url, begin, end)
        finally:
            if before is None:
                del os.environ["SSL_CERT_FILE"]
            else:
                os.environ["SSL_CERT_FILE"] = before


@contextlib.contextmanager
def _cut_handshake() -> Iterator[World]:
    with _untrusted() as world:
        world.server.switch(behaviours.healthy)

        def begin() -> None:
            world.server.cuts_handshakes = True

        def end() -> None:
            world.server.cuts_handshakes = False

        yield world._replace(begin=begin, end=end)


@contextlib.contextmanager
def _resolver(look_up: Callable[[threading.Event], None]) -> Iterator[World]:
    """A resolver in trouble: `look_up` raises, or waits for the end of the fault."""
    real = socket.getaddrinfo
    well = threading.Event()
    well.set()

    def getaddrinfo(*args: Any, **options: Any) -> Any:
        if not well.is_set():
            look_up(well)
        return real(*args, **options)

    with FaultServer() as server:
        socket.getaddrinfo = getaddrinfo
        try:
            yield World(server, f"http://localhost:{server.port}", well.clear, well.set)
        finally:
            well.set()
            socket.getaddrinfo = real


def _no_such_name(_: threading.Event) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _hangs(well: threading.Event) -> None:
    well.wait(30.0)


_503_REQUESTS = 3

#: Every fault of the product, by name, in the order of the table.
FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("refused", _plain(FaultServer.refuse), "kept"),
        Fault("handshake unanswered, then closed", _plain(lambda server: server.drop_handshakes(0.5)), "kept"),
        Fault("TLS handshake cut", _cut_handshake, "kept"),
        Fault("TLS with an untrusted certificate", _untrusted, "kept"),
        Fault("name does not resolve", lambda: _resolver(_no_such_name), "kept", alone=True),
        Fault("resolver hangs", lambda: _resolver(_hangs), "kept", alone=True),
        Fault("never answers", _behaves(lambda: behaviours.never_answers), "kept"),
        Fault("headers a byte at a time", _behaves(lambda: behaviours.drips_headers), "kept", duplicates=True),
        Fault("body a byte at a time", _behaves(lambda: behaviours.drips_body), "sent"),
        Fault("3 s slow", _behaves(lambda: behaviours.slow(3.0)), "kept", duplicates=True),
        Fault("reset before reading", _behaves(lambda: behaviours.resets_before_reading), "kept"),
        Fault("reset after reading", _behaves(lambda: behaviours.resets_after_reading), "kept", duplicates=True),
        Fault("half an answer", _behaves(lambda: behaviours.half_an_answer), "sent"),
        Fault("half a status line", _behaves(lambda: behaviours.half_a_status_line), "kept", duplicates=True),
        Fault("garbage instead of HTTP", _behaves(lambda: behaviours.garbage), "kept"),
        Fault("429, Retry-After 60", _behaves(lambda: behaviours.retry_after_seconds(60)), "kept"),
        Fault("429, Retry-After as a date", _behaves(lambda: behaviours.retry_after_date(60)), "kept"),
        Fault("500", _behaves(lambda: behaviours.status(500)), "kept"),
        Fault(
            "503 for the first requests",
            _behaves(lambda: behaviours.first_requests(_503_REQUESTS, behaviours.status(503))),
            "open",
        ),
        Fault("301 to another host", _redirecting, "open"),
        Fault("HTML with 200", _behaves(lambda: behaviours.html_page), "open"),
    )
}
