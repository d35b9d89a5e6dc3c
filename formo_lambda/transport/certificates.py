"""The authorities whose certificates are believed: the system's, and those that the environment names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from formo_lambda.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

#: A variable of the environment, and its value.
Setting = tuple[str, str]

#: What other clients take authorities from. The first that is set counts, besides what OpenSSL takes them from.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
_MARKS = (b"-----BEGIN CERTIFICATE-----", b"-----BEGIN TRUSTED CERTIFICATE-----", b"-----BEGIN X509 CERTIFICATE-----")


def settings() -> tuple[Setting, ...]:
    """Return the variables that TLS depends on, as far as they are set."""
    bundle = next((name for name in _BUNDLES if os.environ.get(name)), _BUNDLES[0])
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR", bundle, "SSLKEYLOGFILE")
    return tuple((name, value) for name in names if (value := os.environ.get(name)))


def check(given: Sequence[Setting]) -> None:
    """Check what can be checked without loading the authorities, which takes 50 ms.

    Raises:
        ConfigurationError: A variable names what is not there, cannot be read, or has no certificate.
    """
    for name, value in given:
        if name == "SSL_CERT_DIR":
            if not any(Path(directory).is_dir() for directory in value.split(os.pathsep)):
                raise ConfigurationError(name, "must name a directory that exists")
        elif name == "SSLKEYLOGFILE":
            if not _is_writable(value):
                raise ConfigurationError(name, "must name a file that can be written")
        elif not (name in _BUNDLES and Path(value).is_dir()) and not _has_certificate(value):
            raise ConfigurationError(name, "must name a file that can be read and has certificates in PEM format")


def context(given: Sequence[Setting]) -> ssl.SSLContext:
    """Return a context that believes the authorities.

    Raises:
        ConfigurationError: Those of a variable cannot be loaded.
    """
    import ssl  # noqa: PLC0415 -- not every platform has the module

    # Not urllib3's: pyOpenSSL, where it is injected there, has no sockets that can be bounded, and the class of before
    # gevent or eventlet replaced it recurses without end.
    made = ssl.create_default_context()
    made.hostname_checks_common_name = False
    values = dict(given)
    bundle = next((name for name in _BUNDLES if name in values), None)
    if bundle is not None and values[bundle] != values.get("SSL_CERT_FILE"):
        directory = Path(values[bundle]).is_dir()
        try:
            made.load_verify_locations(**{"capath" if directory else "cafile": values[bundle]})
        except OSError:
            raise ConfigurationError(bundle, "names a file whose certificates cannot be loaded") from None
    return made


def _has_certificate(path: str) -> bool:
    try:
        content = Path(path).read_bytes()
    except OSError:
        return False
    return any(mark in content for mark in _MARKS)


def _is_writable(path: str) -> bool:
    try:
        with Path(path).open("ab"):
            return True
    except OSError:
        return False
