"""The fast server, seen from the process that measures."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import trustme

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class Taken(NamedTuple):
    """What the server counted since it was last asked; `at_once`: the most requests under way at one moment."""

    connections: int
    requests: int
    bytes: int
    events: int
    at_once: int


class FastServer:
    """Runs the fast server in a process of its own.

    Attributes:
        ca_file: The certificate that https clients are to trust.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.ca_file = str(Path(self._folder.name) / "ca.pem")
        certificate = Path(self._folder.name) / "server.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("fast_server.py")), str(certificate)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self._port, self._tls_port = json.loads(self._process.stdout.readline())

    def url(self, scheme: str = "http") -> str:
        """Return its base URL."""
        # By name for https, because most clients of the peers send no server name for an address.
        return f"http://127.0.0.1:{self._port}" if scheme == "http" else f"https://localhost:{self._tls_port}"

    def delay(self, seconds: float) -> None:
        """Have every answer come so much later."""
        self._ask(f"/control/delay/{seconds}")

    def take(self) -> Taken:
        """Return what it counted, and begin anew."""
        return Taken(**json.loads(self._ask("/control/take")))

    def ids(self) -> list[str]:
        """Return the message ids of what a client of ours has sent since it was last asked for the counts."""
        ids: list[str] = json.loads(self._ask("/control/ids"))
        return ids

    def _ask(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._folder.cleanup()
