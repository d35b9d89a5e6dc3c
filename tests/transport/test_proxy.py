"""The proxy for a host, by the variables of the environment; what is sent through one: `promises/faults`."""

from __future__ import annotations

import base64
import os

import pytest

from formo_lambda import ConfigurationError, FormoAnalytics
from formo_lambda.transport.proxy import proxy_for


@pytest.mark.parametrize(
    ("host", "exempt"),
    [
        ("events.example.test", "events.example.test"),
        ("events.example.test", "EVENTS.Example.Test"),
        ("events.example.test", "example.test"),
        ("events.example.test", ".example.test"),
        ("events.example.test", "*.example.test"),
        ("events.example.test", "example.test."),
        ("events.example.test.", "example.test"),
        ("events.example.test", "events.example.test:443"),
        ("events.example.test", ".example.test:443"),
        ("events.example.test", "other.test , example.test"),
        ("events.example.test", "other.test example.test"),
        ("events.example.test", "*"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3", "10.1.2.3:443"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "other.test,10.1.2.9/24"),
        ("10.1.2.3", "*"),
        ("fd00::1", "fd00::1"),
        ("fd00::1", "[fd00::1]"),
        ("fd00::1", "[fd00::1]:443"),
        ("fd00::1", "FD00:0::1"),
        ("fd00::1", "fd00::/8"),
        ("127.0.0.1", ""),
        ("127.8.9.1", ""),
        ("localhost", ""),
        ("localhost.", ""),
        ("::1", ""),
    ],
)
def test_a_host_that_is_reached_directly(host: str, exempt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, a domain it is in, its address, a network, or because it is this machine."""
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", exempt)
    assert proxy_for(host, 443) is None


@pytest.mark.parametrize(
    ("host", "exempt"),
    [
        ("events.example.test", ""),
        ("events.example.test", ","),
        ("events.example.test", "other.test"),
        ("events.example.test", "ample.test"),
        ("events.example.test", "events.example.test:8443"),
        ("events.example.test", "www.events.example.test"),
        ("events.example.test", "10.0.0.0/8"),
        ("events.example.test", "."),
        ("events.example.test", "/"),
        ("10.1.2.3", "10.1.2.4"),
        ("10.1.2.3", "2.3"),
        ("10.1.2.3", "10.2.0.0/16"),
        ("10.1.2.3", "10.1.2.3:8443"),
        ("10.1.2.3", "10.0.0.0/99"),
        ("fd00::1", "fe80::/10"),
        ("localhost.example.test", "localhost"),
    ],
)
def test_a_host_that_is_reached_by_the_proxy(host: str, exempt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is listed is another host, another port, or nothing."""
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", exempt)
    assert proxy_for(host, 443) is not None


@pytest.mark.parametrize(
    ("value", "scheme", "host", "port"),
    [
        ("http://proxy:3128", "http", "proxy", 3128),
        ("HTTP://Proxy:3128/", "http", "proxy", 3128),
        ("https://proxy:3128", "https", "proxy", 3128),
        ("http://proxy", "http", "proxy", 80),
        ("https://proxy", "https", "proxy", 443),
        ("proxy:3128", "http", "proxy", 3128),
        ("user:pass@proxy:3128", "http", "proxy", 3128),
        (" http://proxy:3128\n", "http", "proxy", 3128),
        ("http://[fd00::1]:3128", "http", "fd00::1", 3128),
    ],
)
def test_a_proxy_is_a_url(value: str, scheme: str, host: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of http where it does not say, at the usual port where it does not say."""
    monkeypatch.setenv("https_proxy", value)
    proxy = proxy_for("events.example.test", 443)
    assert proxy is not None
    assert (proxy.scheme, proxy.host, proxy.port) == (scheme, host, port)


def test_the_nearest_variable_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one for https before the one for all, the lower-case spelling before the other; none is for http alone."""
    order = ["http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"]
    found = []
    for position, variable in enumerate(order):
        monkeypatch.setenv(variable, f"http://proxy{position}:1")
        proxy = proxy_for("events.example.test", 443)
        found.append(proxy and proxy.host)
    assert found == [None, "proxy1", "proxy2", "proxy3", "proxy4"]


@pytest.mark.parametrize("scheme", ["socks", "socks4", "socks4a", "socks5", "socks5h", "ftp"])
def test_other_kinds_are_refused(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SOCKS is named; what may be the beginning of a password is not."""
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://proxy:1080")
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as caught:
        FormoAnalytics("key", api_host="https://events.example.test")
    assert (f"{scheme}://" in str(caught.value)) is scheme.startswith("socks")


def test_a_proxy_does_not_show_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as they were written nor as they are sent."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hidden@proxy:3128")
    proxy = proxy_for("events.example.test", 443)
    assert proxy is not None
    assert "Basic" in proxy.headers["Proxy-Authorization"]
    assert "hidden" not in repr(proxy)
    assert "Basic" not in repr(proxy)


def test_credentials_need_not_be_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password in another encoding is sent in the bytes that the environment has."""
    monkeypatch.setenv("HTTPS_PROXY", os.fsdecode(b"http://user:\xe9t\xe9@proxy:3128"))
    proxy = proxy_for("events.example.test", 443)
    assert proxy is not None
    assert base64.b64decode(proxy.headers["Proxy-Authorization"].removeprefix("Basic ")) == b"user:\xe9t\xe9"
