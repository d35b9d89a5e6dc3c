"""A certificate for the loopback interface, made when it is needed."""

from __future__ import annotations

import ssl


def loopback_certificate() -> tuple[ssl.SSLContext, bytes]:
    """Make a certificate for 127.0.0.1 and localhost.

    Returns:
        The context of a server that has it, and the authority to trust for it, as PEM.

    Raises:
        ImportError: trustme, which makes the certificate, is not installed.
    """
    try:
        import trustme  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        message = "LocalCollector(tls=True) needs trustme: pip install 'formo-lambda[testing]'"
        raise ImportError(message, name="trustme") from error
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context, authority.cert_pem.bytes()
