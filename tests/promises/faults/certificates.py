"""Certificates made for one test run: an authority to trust, and one that nobody trusts."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path


class Certificates:
    """Two authorities and a server context from each, for loopback and for one made-up name.

    Args:
        directory: Where the trusted authority's certificate is written.
        name: A further name the server's certificates are valid for.
    """

    def __init__(self, directory: Path, name: str = "events.example.test") -> None:
        self.name = name
        trusted = trustme.CA()
        #: What to put into SSL_CERT_FILE.
        self.authority_file = directory / "authority.pem"
        trusted.cert_pem.write_to_path(str(self.authority_file))
        #: A server the holder of `authority_file` believes.
        self.trusted = _server_context(trusted, name)
        #: The same names, signed by somebody else.
        self.untrusted = _server_context(trustme.CA(), name)


def _server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost", name).configure_cert(context)
    return context
