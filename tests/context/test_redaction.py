"""What is secret in a query or a URL is not told."""

from __future__ import annotations

import pytest

from formo_lambda import request_context

WEB_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP"


def query_left(query: str, *, strip: tuple[str, ...] = ()) -> str:
    """Return what is told of a query."""
    event = {"headers": {"host": "app.example.com"}, "rawPath": "/", "rawQueryString": query}
    told = request_context(event, strip=strip)
    page, _, url_query = told["page_url"].partition("?")
    assert page == "https://app.example.com/"
    assert told.get("page_query", "") == url_query
    return url_query


@pytest.mark.parametrize(
    "parameter",
    [
        "token=x",
        "code=x",
        "signature=x",
        "privy_oauth_code=x",
        "privy_oauth_state=x",
        "privy_oauth_provider=x",
        "TOKEN=x",
        "access_token=x",
        "access-token=x",
        "accessToken=x",
        "user[accessToken]=x",
        "auth.code=x",
        "token[]=x",
        "%74oken=x",
        "%2574oken=x",
        "to%6ben",
        "X-Amz-Security-Token=x",
        "X-Amz-Signature=x",
        "__clerk_ticket=x",
        "client_secret=x",
        "apiKey=x",
        "key=x",
        "state=x",
        "password",
        "seed_phrase=a+b+c",
        "user_ip=x",
        f"anything={WEB_TOKEN}",
        "next=https://app.example.com/callback?code=x",
        "next=https%3A%2F%2Fapp.example.com%2Fcallback%3Fa%3D1%26code%3Dx",
        "next=https%253A%252F%252Fapp.example.com%252F%253Fcode%253Dx",
        "next=%2F%23access_token%3Dx",
        "uri=wc%3A7f6e%402%3Frelay-protocol%3Dirn%26symKey%3D587d",
        "from=203.0.113.7",
        "from=203.0.113.7:443",
        "from=2001:db8::1",
        "from=%5B2001%3Adb8%3A%3A1%5D%3A443",
    ],
)
def test_secret_parameters_are_taken_out(parameter: str) -> None:
    """A parameter that is secret by its name or its value is not told, and its neighbours are."""
    assert query_left(f"a=1&{parameter}&b=2") == "a=1&b=2"
    assert query_left(parameter) == ""


@pytest.mark.parametrize(
    "query",
    [
        "fromToken=ETH&to_token=USDC&tokenAddress=0x9798d87366bdfc5d70b300abdffc4f9e95369b3d",
        "promo_code=SPRING&chain_id=1&monkey=1&statement=2&keyword=swap",
        "time=12:30:45&version=1.2.3&price=1.5",
        "next=%2Fpools%3Fsort%3Dvolume",
        "a=1;b=2",
        "flag&empty=&=nameless",
        "",
    ],
)
def test_what_is_no_secret_is_told_as_it_is(query: str) -> None:
    """Parameters that only resemble secrets are told, byte for byte."""
    assert query_left(query) == query


def test_semicolons_separate_parameters_too() -> None:
    """A secret behind a semicolon, which some servers take for a separator, is taken out."""
    assert query_left("a=1;token=x;b=2") == "a=1;b=2"


class TestOwnList:
    """Parameters that the caller names."""

    def test_names_in_any_spelling(self) -> None:
        """A name of the caller's is taken out however it is spelled."""
        assert query_left("inviteCode=1&invite_code=2&INVITE-CODE=3&invite=4", strip=("invite_code",)) == "invite=4"

    def test_an_asterisk_stands_for_the_rest(self) -> None:
        """A name that ends with an asterisk takes out all that begin so."""
        assert query_left("member_id=1&memberName=2&remember=3", strip=("member_*",)) == "remember=3"

    def test_one_name_may_stand_alone(self) -> None:
        """A single string is one name, not its letters."""
        event = {"headers": {}, "rawPath": "/", "rawQueryString": "invite=1&i=2"}
        assert request_context(event, strip="invite")["page_query"] == "i=2"

    def test_campaign_fields_are_taken_out_with_their_parameters(self) -> None:
        """A campaign parameter that the caller names is not told as a field either."""
        event = {"headers": {}, "rawPath": "", "rawQueryString": "utm_source=x&ref=joe&gclid=y"}
        told = request_context(event, strip=("ref", "gclid"))
        assert told == {"page_query": "utm_source=x", "utm_source": "x"}

    def test_what_is_always_secret_stays_so(self) -> None:
        """The caller's list adds to the built-in one."""
        assert query_left("token=1&invite=2&a=3", strip=("invite",)) == "a=3"

    def test_what_is_no_name_is_refused(self) -> None:
        """A list with something else than strings raises a TypeError at the call, whatever the source."""
        with pytest.raises(TypeError, match="strip"):
            request_context(None, strip=["invite", 5])  # type: ignore[list-item]


def told_of(**headers: str) -> dict[str, str]:
    """Return what is told of a request for https://app.example.com/ with these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return request_context({"headers": {"host": "app.example.com", **named}, "rawPath": "/"})


class TestUrls:
    """Secrets of URLs outside of their queries."""

    def test_names_and_passwords(self) -> None:
        """The userinfo of a referrer is taken out."""
        assert told_of(referer="https://me:pw@x.example/a")["referrer"] == "https://x.example/a"

    def test_fragments(self) -> None:
        """The fragment of a referrer, where tokens travel, is taken out."""
        assert told_of(referer="https://x.example/a#access_token=1")["referrer"] == "https://x.example/a"

    def test_queries_of_referrers(self) -> None:
        """Secret parameters of a referrer are taken out."""
        told = told_of(referer="https://x.example/cb?code=1&q=swap&privy_oauth_state=2")
        assert told["referrer"] == "https://x.example/cb?q=swap"

    def test_session_ids_in_paths(self) -> None:
        """A secret that is a parameter of a path is taken out of path and URL."""
        event = {"headers": {"host": "x.example"}, "rawPath": "/a;jsessionid=1;v=2/b;token=3"}
        assert request_context(event) == {"page_url": "https://x.example/a;v=2/b", "page_path": "/a;v=2/b"}

    @pytest.mark.parametrize("host", ["10.0.0.5", "10.0.0.5:8080", "[::1]:80", "2130706433", "0x7f.1", "1.2.3"])
    def test_hosts_that_are_network_addresses(self, host: str) -> None:
        """No URL is told whose host is a number."""
        told = told_of(host=host, referer=f"http://{host}/a")
        assert told == {"page_path": "/"}

    @pytest.mark.parametrize(
        "host", ["a b", "a/b", "evil\r\nx: y", "é.example", "<script>", "a" * 300, "", "user@x.example"]
    )
    def test_hosts_that_are_none(self, host: str) -> None:
        """No URL is told whose host no host can have."""
        assert told_of(host=host) == {"page_path": "/"}
