"""Proxies and authorities come from the standard environment variables."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING

import pytest

from formo_lambda import FormoAnalytics

from .certificates import Certificates
from .conftest import KEY
from .fault_server import FaultServer
from .port import Port
from .proxy import LoopbackProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import MakeClient


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One trusted authority for these tests, and one that is not."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def secure(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """A server with a certificate of the authority in SSL_CERT_FILE."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority_file))
    with FaultServer(tls=certificates.trusted) as server:
        yield server


@pytest.fixture
def proxy(secure: FaultServer) -> Iterator[LoopbackProxy]:
    """A proxy that leads to the secure server."""
    with LoopbackProxy(secure.port) as started:
        yield started


def _send_one(api_host: str) -> tuple[int, int]:
    client = FormoAnalytics(KEY, api_host=api_host, handle_signals=False)
    try:
        client.track("Proxied")
        result = client.flush(5.0)
        return result.sent, result.retained
    finally:
        client.close()


def test_an_authority_of_the_environment_is_believed(secure: FaultServer) -> None:
    """SSL_CERT_FILE names the only authority that signed the server's certificate, and the event arrives."""
    assert _send_one(secure.url) == (1, 0)


def test_an_unknown_authority_is_not_believed(secure: FaultServer, certificates: Certificates) -> None:
    """A certificate of somebody else ends the handshake before the key is sent; the reason is told."""
    secure.tls = certificates.untrusted
    client = FormoAnalytics(KEY, api_host=secure.url, handle_signals=False)
    client.track("Not Sent")
    result = client.flush(2.0)
    assert (result.sent, secure.ledger.requests) == (0, [])
    assert "certificate" in str(result.errors[0])
    secure.tls = certificates.trusted
    client.close()


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(
    secure: FaultServer,
    proxy: LoopbackProxy,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    """The name is resolved by the proxy, through whose tunnel the event arrives; the proxy cannot read the key."""
    monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
    assert _send_one(f"https://{certificates.name}") == (1, 0)
    assert proxy.requests[0].startswith(f"CONNECT {certificates.name}:443 HTTP/1.".encode())
    assert len(secure.ledger.accepted()) == 1
    assert KEY.encode() not in proxy.seen


def test_a_proxy_gets_its_credentials_and_the_server_does_not(
    secure: FaultServer,
    proxy: LoopbackProxy,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """User and password of the proxy's URL go to the proxy alone, and into no log."""
    caplog.set_level("DEBUG")
    monkeypatch.setenv("https_proxy", f"http://user:p%40ss@127.0.0.1:{proxy.port}")
    assert _send_one(f"https://{certificates.name}") == (1, 0)
    credentials = base64.b64encode(b"user:p@ss")
    assert b"Basic " + credentials in proxy.requests[0]
    assert "proxy-authorization" not in secure.ledger.requests[0].headers
    assert not [each for each in caplog.records if "p@ss" in each.getMessage() or "p%40ss" in each.getMessage()]


@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("value", ["127.0.0.1", "other.example.test, 127.0.0.1", "*"])
def test_a_host_in_no_proxy_is_reached_directly(
    secure: FaultServer, proxy: LoopbackProxy, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """The proxy sees nothing."""
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv(variable, value)
    assert _send_one(secure.url) == (1, 0)
    assert proxy.requests == []


def test_a_proxy_in_trouble_does_not_hold_the_flush(
    secure: FaultServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that answers CONNECT a byte at a time costs the budget and no more, and the event is kept."""
    with LoopbackProxy(secure.port, drip=0.1) as dripping:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{dripping.port}")
        client = FormoAnalytics(KEY, api_host=f"https://{certificates.name}", handle_signals=False)
        client.track("Kept")
        started = time.monotonic()
        result = client.flush(0.5)
        assert time.monotonic() - started < 0.5 + 0.25
        assert (result.sent, result.retained) == (0, 1)
        dripping.drip = 0.0
        assert client.close(5.0).sent == 1


def test_a_proxy_of_another_kind_is_ignored_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, make_client: MakeClient
) -> None:
    """A SOCKS proxy for everybody does not keep an application from starting, and events go out directly."""
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    client = make_client()
    client.track("Direct")
    assert client.flush().sent == 1
    assert "proxy" in caplog.text


def test_a_dead_proxy_loses_nothing(
    secure: FaultServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that refuses is a failure of the passing kind: once it is there, the event arrives."""
    refusing = Port()
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{refusing.number}")
    client = FormoAnalytics(KEY, api_host=f"https://{certificates.name}", handle_signals=False)
    client.track("Kept")
    result = client.flush(0.5)
    assert (result.sent, result.retained) == (0, 1)
    refusing.close()
    with LoopbackProxy(secure.port, at=refusing.number):
        assert client.close(5.0).sent == 1
