"""Authorities: the system's, and those that the environment names in one of several ways."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from formo_lambda import ConfigurationError, FormoAnalytics
from formo_lambda.testing import LocalCollector
from formo_lambda.transport import certificates as authorities
from tests.package.project import ROOT
from tests.promises.faults.certificates import Certificates
from tests.transport.peer import Peer
from tests.transport.pools import own_pools

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUNDLES = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"]

_pools = pytest.fixture(autouse=True)(own_pools)


@pytest.fixture
def collector() -> Iterator[LocalCollector]:
    """A collector with a certificate that nobody trusts who is not told to."""
    with LocalCollector(tls=True) as started:
        yield started


@pytest.fixture
def authority(collector: LocalCollector) -> str:
    """The file of the authority that signed it."""
    assert collector.ca_file is not None
    return collector.ca_file


@pytest.fixture
def stranger(tmp_path: Path) -> str:
    """The file of an authority that signed nothing here."""
    return str(Certificates(tmp_path).authority_file)


def hashed(authority: str, directory: Path) -> str:
    """Make a directory of certificates as OpenSSL reads it: the files have the names that `c_rehash` gives."""
    directory.mkdir()
    name = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", authority], capture_output=True, text=True, check=True
    ).stdout.strip()
    (directory / f"{name}.0").symlink_to(authority)
    return str(directory)


def sent(collector: LocalCollector) -> int:
    """Send one event; return how many were sent."""
    lost: list[object] = []
    client = FormoAnalytics(
        "key", api_host=collector.url, handle_signals=False, on_undelivered=lambda events, _: lost.extend(events)
    )
    client.track("Encrypted")
    result = client.flush(5.0)
    if not result.sent:
        assert "certificate" in str(result.errors[0])
        client._queue.give_up_all("the test is over")
    client.close()
    return result.sent


def refused(option: str) -> ConfigurationError:
    """Return the error of a client that is made now, which names the variable."""
    with pytest.raises(ConfigurationError, match=f"^Invalid {option}: must name") as caught:
        FormoAnalytics("key", api_host="https://events.example.test")
    assert caught.value.option == option
    return caught.value


def test_nobody_else_is_believed(collector: LocalCollector) -> None:
    """Without a word of the environment, the authorities are the system's."""
    assert sent(collector) == 0


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", *BUNDLES])
def test_a_file_of_the_environment_is_believed(
    collector: LocalCollector, authority: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Each of the variables will do."""
    monkeypatch.setenv(variable, authority)
    assert sent(collector) == 1


@pytest.mark.parametrize("variable", ["SSL_CERT_DIR", *BUNDLES])
def test_a_directory_of_the_environment_is_believed(
    collector: LocalCollector, authority: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """As OpenSSL has it, and requests."""
    monkeypatch.setenv(variable, hashed(authority, tmp_path / "authorities"))
    assert sent(collector) == 1


def test_of_several_directories_one_has_to_exist(
    collector: LocalCollector, authority: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL passes over those that do not."""
    there = hashed(authority, tmp_path / "authorities")
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join([str(tmp_path / "missing"), there]))
    assert sent(collector) == 1


@pytest.mark.parametrize("variable", BUNDLES)
def test_both_openssl_s_and_a_bundle_are_believed(
    collector: LocalCollector, authority: str, stranger: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A bundle for everything else takes nothing from SSL_CERT_FILE, nor that from the bundle."""
    for file, bundle in [(authority, stranger), (stranger, authority)]:
        monkeypatch.setenv("SSL_CERT_FILE", file)
        monkeypatch.setenv(variable, bundle)
        assert sent(collector) == 1


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 2), (0, 2)])
def test_of_several_bundles_the_first_counts(
    collector: LocalCollector,
    authority: str,
    stranger: str,
    monkeypatch: pytest.MonkeyPatch,
    first: int,
    second: int,
) -> None:
    """That of requests comes before curl's, and this before AWS's; one that does not count may be wrong."""
    monkeypatch.setenv(BUNDLES[first], stranger)
    monkeypatch.setenv(BUNDLES[second], authority)
    assert sent(collector) == 0
    monkeypatch.setenv(BUNDLES[first], authority)
    monkeypatch.setenv(BUNDLES[second], "/nowhere/authority.pem")
    assert sent(collector) == 1


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", *BUNDLES])
def test_what_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """The error names the variable, and does not repeat what it says."""
    monkeypatch.setenv(variable, "/nowhere/authority.pem")
    assert "nowhere" not in str(refused(variable))


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", *BUNDLES])
@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"-----BEGIN PRIVATE KEY-----\n", b"-----BEGIN X509 CRL-----\n"])
def test_a_file_without_a_certificate_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, content: bytes
) -> None:
    """Nobody could be believed by it."""
    file = tmp_path / "authority.pem"
    file.write_bytes(content)
    monkeypatch.setenv(variable, str(file))
    refused(variable)


def test_a_directory_is_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OpenSSL reads SSL_CERT_FILE as a file."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path))
    refused("SSL_CERT_FILE")


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_named(monkeypatch: pytest.MonkeyPatch, stranger: str) -> None:
    """The process has to be let to."""
    os.chmod(stranger, 0)  # noqa: PTH101 -- the path is a text
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", stranger)
    refused("REQUESTS_CA_BUNDLE")


def test_a_broken_certificate_is_told_once_it_is_needed(
    collector: LocalCollector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What only loading finds out names the variable in the reason of the failure; nothing raises from track()."""
    file = tmp_path / "authority.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    client = FormoAnalytics("key", api_host=collector.url, handle_signals=False, on_undelivered=lambda *_: None)
    client.track("Kept")
    result = client.flush(5.0)
    assert (result.sent, result.retained) == (0, 1)
    assert "REQUESTS_CA_BUNDLE" in str(result.errors[0])
    client._queue.give_up_all("the test is over")
    client.close()


def test_where_the_keys_of_tls_are_logged_has_to_be_writable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Python opens the file for each context, and would let no connection be made."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "missing" / "keys"))
    refused("SSLKEYLOGFILE")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    FormoAnalytics("key", api_host="https://events.example.test", handle_signals=False).close()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", *BUNDLES])
def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """It names no file that could be missing."""
    monkeypatch.setenv(variable, "")
    FormoAnalytics("key", api_host="https://events.example.test", handle_signals=False).close()


def test_what_is_not_encrypted_needs_no_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of this machine in the clear, and one with a transport of the user's own, look at no variable."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/authority.pem")
    FormoAnalytics("key", api_host="http://127.0.0.1:9", handle_signals=False).close()


def test_the_context_verifies() -> None:
    """Whatever is given, certificates and host names are checked, by TLS 1.2 or newer."""
    import ssl

    made = authorities.context(())
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert made.minimum_version >= ssl.TLSVersion.TLSv1_2


INJECTED = """
import sys
import urllib3.contrib.pyopenssl
urllib3.contrib.pyopenssl.inject_into_urllib3()
from formo_lambda import FormoAnalytics

results = []
for host in sys.argv[1:]:
    client = FormoAnalytics("key", api_host=host, handle_signals=False, on_undelivered=lambda *_: None, retry_count=0)
    for size in (1, 400_000):
        client.track("Injected", properties={"text": "x" * size})
        result = client.flush(10.0)
        results.append((result.sent, [error.reason for error in result.errors]))
    client._queue.give_up_all("over")
print(results)
"""


def test_pyopenssl_injected_into_urllib3_works(collector: LocalCollector, authority: str, tmp_path: Path) -> None:
    """Events arrive; an authority that is not believed and a certificate for another host are refused all the same."""
    pytest.importorskip("OpenSSL")

    def run(host: str, file: str) -> str:
        program = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", INJECTED, host],
            cwd=ROOT,
            env={**os.environ, "SSL_CERT_FILE": file},
            capture_output=True,
            text=True,
            check=True,
        )
        return program.stdout.strip()

    assert run(collector.url, authority) == "[(1, []), (1, [])]"
    refusal = "the server's certificate is not trusted"
    assert run(collector.url, str(Certificates(tmp_path).authority_file)).count(refusal) == 2
    assert len(collector.events) == 2
    heard: list[bytes] = []
    made = Certificates(tmp_path)
    with Peer(lambda sock: heard.append(sock.recv(100)), host="127.0.0.2", tls=made.trusted) as elsewhere:
        assert run(elsewhere.url, str(made.authority_file)).count(refusal) == 2
    assert not any(heard)
