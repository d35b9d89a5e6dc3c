"""Every source of a request tells the same of it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from formo_lambda import FormoAnalytics, request_context
from formo_lambda.testing import RecordingTransport
from tests.context import sources
from tests.context.sources import CLIENT, EXPECTED, SECRET, SOURCES
from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_source_tells_the_same(source: Callable[[], Any]) -> None:
    """The same request gives the same context, whoever hands it over."""
    assert request_context(source()) == EXPECTED


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_no_secret_and_no_network_address_is_told(source: Callable[[], Any]) -> None:
    """Neither the token, the password, the cookie, the credentials nor an address of anybody is in the context."""
    told = json.dumps(request_context(source()))
    assert SECRET not in told
    assert CLIENT not in told
    assert "198.51.100.4" not in told
    assert "10.0.0.5" not in told


@pytest.mark.parametrize("name", ["rest_api", "http_api", "load_balancer", "edge_origin", "scope"])
def test_the_source_is_left_as_it_is(name: str) -> None:
    """Reading a request changes nothing in it."""
    source = SOURCES[name]()
    before = copy.deepcopy(source)
    request_context(source)
    assert source == before


def test_the_context_is_accepted_by_every_event() -> None:
    """What is told can be given to an event as it is, and arrives."""
    transport = RecordingTransport()
    with FormoAnalytics("a-key", transport=transport) as analytics:
        analytics.page(name="Swap", context=request_context(sources.http_api()))
    assert transport.problems == []
    assert EXPECTED.items() <= transport.events[0]["context"].items()


def test_nothing_is_read_unless_asked() -> None:
    """An event tracked while a request is at hand has the library's own context and nothing else."""
    transport = RecordingTransport()
    with FormoAnalytics("a-key", transport=transport) as analytics:
        analytics.track("Swap Completed", properties={"from": "a handler with a request"})
    assert transport.events[0]["context"].keys() == {"library_name", "library_version"}


class TestApiGateway:
    """What differs between the forms of its events."""

    def test_the_stage_is_part_of_a_rest_apis_path(self) -> None:
        """The path is the one the end user asked for, with the stage that a default domain shows."""
        event = sources.rest_api()
        event["requestContext"]["path"] = "/prod/swap"
        assert request_context(event)["page_path"] == "/prod/swap"

    def test_decoded_parameters_are_encoded_anew(self) -> None:
        """What a REST API has decoded is a query again, and a separator in a value separates nothing."""
        event = sources.rest_api()
        event["multiValueQueryStringParameters"] = {"utm_term": ["a&token=b c"], "pair": ["ETH", "ÄÖ"]}
        told = request_context(event)
        assert told["page_query"] == "pair=ETH&pair=%C3%84%C3%96"

    def test_nulls_in_place_of_headers_and_parameters(self) -> None:
        """A request without headers and parameters, for which a REST API sends null, still has its page."""
        event = sources.rest_api()
        for name in ("headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters"):
            event[name] = None
        assert request_context(event) == {"page_url": "https://app.example.com/swap", "page_path": "/swap"}

    def test_websocket_connect(self) -> None:
        """The event of a WebSocket API's $connect, which has headers and no path, tells what the headers say."""
        event = {
            "headers": {"Host": "abc.execute-api.eu-west-1.amazonaws.com", "User-Agent": "wallet/1"},
            "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "x", "stage": "prod"},
            "isBase64Encoded": False,
        }
        assert request_context(event) == {
            "user_agent": "wallet/1",
            "page_url": "https://abc.execute-api.eu-west-1.amazonaws.com/",
        }


class TestServers:
    """Paths and schemes of WSGI, ASGI and plain servers."""

    def test_a_wsgi_path_is_bytes_in_disguise(self) -> None:
        """Path bytes that PEP 3333 shows as latin-1 are percent-encoded as the bytes they are, the mount included."""
        environ = sources.environ() | {"SCRIPT_NAME": "/app", "PATH_INFO": "/ü".encode().decode("latin-1")}
        assert request_context(environ)["page_path"] == "/app/%C3%BC"

    @pytest.mark.parametrize("path", ["/swap", "/app/swap"])
    def test_the_root_path_counts_once(self, path: str) -> None:
        """The path under a mounted ASGI application has the mount in front, whether or not the server put it there."""
        told = request_context(sources.scope() | {"root_path": "/app", "path": path})
        assert told["page_path"] == "/app/swap"

    def test_a_websocket_has_the_page_of_its_host(self) -> None:
        """A secure WebSocket's scope tells an https URL."""
        scope = sources.scope() | {"type": "websocket", "scheme": "wss"}
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"x-forwarded-proto"]
        assert request_context(scope)["page_url"] == EXPECTED["page_url"]

    def test_a_lifespan_scope_is_no_request(self) -> None:
        """An ASGI scope that is no request tells nothing."""
        assert request_context({"type": "lifespan", "asgi": {"version": "3.0"}}) == {}

    def test_a_request_target_with_a_whole_url(self) -> None:
        """A handler that is asked for a whole URL, as a proxy is, tells that URL."""
        handler = sources.http_handler()
        handler.path = "http://other.example.com:80/a?b=1"
        told = request_context(handler)
        assert told["page_url"] == "https://other.example.com:80/a?b=1"

    def test_the_host_that_a_proxy_was_asked_for(self) -> None:
        """Behind a proxy the page is where the end user sees it."""
        environ = sources.environ() | {"HTTP_X_FORWARDED_HOST": "www.example.com, inner", "HTTP_HOST": "inner:8000"}
        assert request_context(environ)["page_url"].startswith("https://www.example.com/swap?")


class TestOtherObjects:
    """Request objects of frameworks that have neither a scope nor an environ."""

    def test_one_that_keeps_the_event(self) -> None:
        """A request that can give back its event, as Chalice's can, tells what the event tells."""

        class ChaliceRequest:
            method = "GET"
            headers: ClassVar[dict[str, str]] = {}

            def to_original_event(self) -> dict[str, Any]:
                return sources.rest_api()

        assert request_context(ChaliceRequest()) == EXPECTED

    def test_one_whose_url_is_an_object(self) -> None:
        """A request whose URL is an object that a query can be put into, as aiohttp's is, tells that URL."""

        class Url:
            def with_query(self) -> Url:
                return self

            def __str__(self) -> str:
                return f"http://app.example.com/swap?{sources.QUERY}"

        class AiohttpRequest:
            url = Url()
            headers = sources.HEADERS

        assert request_context(AiohttpRequest()) == EXPECTED

    def test_one_in_a_wrapper(self) -> None:
        """A mapping that wraps an event, as Powertools' event classes do, tells what the event tells."""
        assert request_context(MappingProxyType(sources.http_api())) == EXPECTED


def test_no_framework_is_imported() -> None:
    """Reading every kind of source loads no framework, and importing the package does not even load what reads."""
    script = (
        "import sys\n"
        "import formo_lambda\n"
        "assert not [name for name in sys.modules if name.startswith('formo_lambda.context.redaction')]\n"
        "from tests.context.sources import SOURCES\n"
        "for source in SOURCES.values():\n"
        "    assert formo_lambda.request_context(source())\n"
        "wanted = {'flask', 'werkzeug', 'django', 'starlette', 'azure', 'asyncio', 'urllib3'}\n"
        "assert not wanted & set(sys.modules), wanted & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=30)
