"""Proxies and authorities come from the standard environment variables."""

from __future__ import annotations

import base64
import socket
import time
import traceback
from typing import TYPE_CHECKING

import pytest

from formo_lambda import ConfigurationError, FormoAnalytics

from . import behaviours
from .certificates import Certificates
from .conftest import KEY
from .fault_server import FaultServer
from .port import Port
from .proxy import LoopbackProxy
from .waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


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


def _resolve_to_loopback(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more: resolve("127.0.0.1" if host == name else host, *more)
    )


def _shown(error: BaseException) -> str:
    """Return what a reporter shows of an exception."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


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
@pytest.mark.parametrize("value", ["events.example.test", "other.example.test, .example.test", "*"])
def test_a_host_in_no_proxy_is_reached_directly(
    secure: FaultServer,
    proxy: LoopbackProxy,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
) -> None:
    """The proxy sees nothing."""
    _resolve_to_loopback(monkeypatch, certificates.name)
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv(variable, value)
    assert _send_one(f"https://{certificates.name}:{secure.port}") == (1, 0)
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


@pytest.mark.parametrize(
    "variable", ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_needs_no_proxy(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str, host: str
) -> None:
    """A server at a loopback address is reached directly: neither the key nor the events pass by another machine."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority_file))
    with FaultServer(tls=certificates.trusted if scheme == "https" else None) as server, LoopbackProxy(1) as proxy:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        assert _send_one(f"{scheme}://{host}:{server.port}") == (1, 0)
        assert proxy.requests == []


@pytest.mark.parametrize("variable", ["https_proxy", "ALL_PROXY"])
def test_a_proxy_of_another_kind_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, certificates: Certificates, variable: str
) -> None:
    """A SOCKS proxy that would be needed is told when the client is made, not passed by unseen."""
    monkeypatch.setenv(variable, "socks5://user:hidden@127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="socks5") as caught:
        FormoAnalytics(KEY, api_host=f"https://{certificates.name}")
    assert caught.value.option == variable
    assert "hidden" not in _shown(caught.value.with_traceback(caught.tb.tb_next))


def test_a_proxy_of_another_kind_that_is_not_needed_does_no_harm(
    secure: FaultServer, proxy: LoopbackProxy, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is a better one, or none is needed, a SOCKS proxy for all keeps no application from starting."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    assert _send_one(secure.url) == (1, 0)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    assert _send_one(f"https://{certificates.name}") == (1, 0)


@pytest.mark.parametrize(
    "variable", ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
)
@pytest.mark.parametrize(
    "value",
    [
        "http://u:hid#den@proxy:3128",
        "http://hid#den@proxy:3128",
        "http://u:hid/den@proxy:3128",
        "http://u:12?den@proxy:3128",
        "http://u:hidden@proxy:70000",
        "http://u:hidden@proxy:0",
        "http://u:hidden@proxy:port",
        "http://u:hidden@[::1",
        "http://u:hidden@",
        "http://u:hidden@pro xy:3128",
        "u:hid#den@proxy:3128",
        "http://",
        "://proxy:3128",
    ],
)
def test_a_proxy_that_does_not_parse_is_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, certificates: Certificates, variable: str, value: str
) -> None:
    """The error has the name of the variable and the rule; neither it nor what reporters show of it has the value."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=f"^Invalid {variable}: must be the URL of a proxy") as caught:
        FormoAnalytics(KEY, api_host=f"https://{certificates.name}")
    assert caught.value.option == variable
    # The locals of this function have it.
    shown = _shown(caught.value.with_traceback(caught.tb.tb_next))
    assert not [part for part in ("hid", "den", "70000") if part in shown]


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_variable_is_none(
    secure: FaultServer,
    proxy: LoopbackProxy,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
) -> None:
    """It neither names a proxy nor hides the one that the other spelling, or the one for all, names."""
    monkeypatch.setenv("https_proxy", value)
    monkeypatch.setenv("HTTPS_PROXY", value)
    monkeypatch.setenv("all_proxy", value)
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}/")
    monkeypatch.setenv("no_proxy", value)
    assert _send_one(f"https://{certificates.name}:{secure.port}") == (1, 0)
    assert len(proxy.requests) == 1


def test_the_header_of_a_request_under_cgi_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """There HTTP_PROXY is what the client of the request says in a header: it is not even looked at."""
    monkeypatch.setenv("REQUEST_METHOD", "GET")
    monkeypatch.setenv("HTTP_PROXY", "http://u:hid#den@proxy:3128")
    FormoAnalytics(KEY, api_host="https://events.example.test", handle_signals=False).close()


def test_a_disabled_client_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build whose network is set up in another way can import the application."""
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/authority.pem")
    client = FormoAnalytics(api_host="https://events.example.test", enabled=False)
    client.track("Not Sent")
    assert client.close().ok


def test_a_proxy_may_have_an_address_of_version_6(
    secure: FaultServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written in brackets."""
    with LoopbackProxy(secure.port, host="::1") as proxy:
        monkeypatch.setenv("https_proxy", f"http://[::1]:{proxy.port}")
        assert _send_one(f"https://{certificates.name}") == (1, 0)
        assert len(proxy.requests) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("written", "credentials"),
    [
        ("user:pass", b"user:pass"),
        ("us%40er:p%23a%2F%3As%25%3F", b"us@er:p#a/:s%?"),
        ("user", b"user:"),
        (":pass", b":pass"),
        ("b%C3%A9:p%FF", b"b\xc3\xa9:p\xff"),
        ("user:p@ss", b"user:p@ss"),
    ],
)
def test_user_and_password_are_decoded(
    secure: FaultServer,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    written: str,
    credentials: bytes,
) -> None:
    """A proxy that asks for them lets the client through."""
    needed = f"Basic {base64.b64encode(credentials).decode()}"
    tls = certificates.trusted if scheme == "https" else None
    with LoopbackProxy(secure.port, tls=tls, credentials=needed) as proxy:
        monkeypatch.setenv("https_proxy", f"{scheme}://{written}@127.0.0.1:{proxy.port}")
        assert _send_one(f"https://{certificates.name}") == (1, 0)


def test_a_proxy_that_refuses_is_told(
    secure: FaultServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason says that it was the proxy, and how it put it; the event is kept."""
    with LoopbackProxy(secure.port, credentials="Basic eA==") as proxy:
        monkeypatch.setenv("https_proxy", f"http://user:hidden@127.0.0.1:{proxy.port}")
        client = FormoAnalytics(KEY, api_host=f"https://{certificates.name}", handle_signals=False, retry_count=0)
        client.track("Kept")
        result = client.flush(2.0)
        assert (result.retained, result.errors[0].reason) == (1, "the proxy refused (HTTP 407)")
        proxy.credentials = None
        assert client.close(5.0).sent == 1


# -- over TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure_proxy(secure: FaultServer, certificates: Certificates) -> Iterator[LoopbackProxy]:
    """A proxy that is spoken to over TLS, and leads to the secure server."""
    with LoopbackProxy(secure.port, tls=certificates.trusted) as started:
        yield started


def test_a_proxy_over_tls_is_used(
    secure: FaultServer, secure_proxy: LoopbackProxy, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small events and a body of half a megabyte arrive on one connection; the proxy cannot read the key."""
    monkeypatch.setenv("https_proxy", f"https://127.0.0.1:{secure_proxy.port}")
    client = FormoAnalytics(KEY, api_host=f"https://{certificates.name}", handle_signals=False)
    for size in (1, 400_000, 1):
        client.track("Proxied", properties={"text": "x" * size})
        assert client.flush(10.0).sent == 1
    client.close()
    assert len(secure_proxy.requests) == secure.ledger.connections == 1
    assert KEY.encode() not in secure_proxy.seen


def test_a_proxy_over_tls_has_to_be_trusted(
    secure: FaultServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose certificate is somebody else's hears of nothing, its credentials included."""
    with LoopbackProxy(secure.port, tls=certificates.untrusted) as proxy:
        monkeypatch.setenv("https_proxy", f"https://user:pass@127.0.0.1:{proxy.port}")
        client = FormoAnalytics(KEY, api_host=f"https://{certificates.name}", handle_signals=False)
        client.track("Not Sent")
        result = client.flush(2.0)
        assert (result.sent, proxy.requests) == (0, [])
        assert "certificate" in str(result.errors[0])
        proxy.tls = certificates.trusted
        assert client.close(5.0).sent == 1


def test_a_connection_through_a_proxy_over_tls_that_died_is_replaced(
    secure: FaultServer, secure_proxy: LoopbackProxy, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the server closed meanwhile is noticed, and the next event goes out on a fresh connection."""
    monkeypatch.setenv("https_proxy", f"https://127.0.0.1:{secure_proxy.port}")
    client = FormoAnalytics(KEY, api_host=f"https://{certificates.name}", handle_signals=False)
    for requests in (1, 2, 3):
        client.track("Proxied")
        assert client.flush(10.0).sent == 1
        assert len(secure_proxy.requests) == requests
        wait_until(lambda: secure.cut_idle("fin") == 1)
        wait_until(lambda: secure.open_connections == 0)
    client.close()


@pytest.mark.parametrize(
    "behaviour",
    [
        behaviours.never_answers,
        behaviours.drips_headers,
        behaviours.resets_before_reading,
        lambda exchange: exchange.pause(),
    ],
)
def test_a_server_in_trouble_behind_a_proxy_over_tls_does_not_hold_the_flush(
    secure: FaultServer,
    secure_proxy: LoopbackProxy,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    behaviour: behaviours.Behaviour,
) -> None:
    """However it fails, the flush ends by its deadline, and the event arrives later."""
    monkeypatch.setenv("https_proxy", f"https://127.0.0.1:{secure_proxy.port}")
    client = FormoAnalytics(KEY, api_host=f"https://{certificates.name}", handle_signals=False)
    secure.switch(behaviour)
    client.track("Kept", properties={"text": "x" * 400_000})
    began = time.monotonic()
    result = client.flush(1.0)
    assert time.monotonic() - began < 1.0 + 0.5
    assert (result.sent, result.retained) == (0, 1)
    secure.lift()
    assert client.close(10.0).sent == 1


def test_a_proxy_over_tls_in_trouble_does_not_hold_the_flush(
    secure: FaultServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that answers CONNECT a byte at a time costs the budget and no more, and the event is kept."""
    with LoopbackProxy(secure.port, tls=certificates.trusted, drip=0.1) as dripping:
        monkeypatch.setenv("https_proxy", f"https://127.0.0.1:{dripping.port}")
        client = FormoAnalytics(KEY, api_host=f"https://{certificates.name}", handle_signals=False)
        client.track("Kept")
        began = time.monotonic()
        assert client.flush(0.5).retained == 1
        assert time.monotonic() - began < 0.5 + 0.5
        dripping.drip = 0.0
        assert client.close(5.0).sent == 1


# -- in trouble --------------------------------------------------------------------------------------------------------


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
