"""How the fields are made of headers and queries."""

from __future__ import annotations

import pytest

from formo_lambda import request_context
from formo_lambda.types import ContextFields


def told_of(query: str = "", **headers: str) -> dict[str, str]:
    """Return what is told of a request for https://app.example.com/ with these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return request_context({"headers": {"host": "app.example.com", **named}, "rawPath": "/", "rawQueryString": query})


@pytest.mark.parametrize(
    ("accepted", "locale"),
    [
        ("en-US,en;q=0.9", "en-US"),
        ("fr;q=0.5, en-gb;q=0.8, *;q=0.1", "en-GB"),
        ("*, de", "de"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("EN", "en"),
        ("es-419,es;q=0.9", "es-419"),
        ("de;q=0, en;q=0.1", "en"),
        ("de;q=1.5, en;q=0.1", "en"),
        ("*", None),
        ("", None),
        ("../../etc/passwd", None),
        ("de;q=0", None),
    ],
)
def test_locale_is_the_language_wanted_most(accepted: str, locale: str | None) -> None:
    """Of the accepted languages the one with the greatest weight is told, the first of equals, in customary case."""
    assert told_of(accept_language=accepted).get("locale") == locale


@pytest.mark.parametrize(
    "header",
    ["CloudFront-Viewer-Country", "X-Vercel-IP-Country", "X-AppEngine-Country", "CF-IPCountry", "X-Country-Code"],
)
def test_every_platforms_country_is_told(header: str) -> None:
    """The country that a platform names in its own header is told, in capitals."""
    assert told_of(**{header: "ch"})["location"] == "CH"


@pytest.mark.parametrize("unknown", ["XX", "ZZ", "T1", "", "Switzerland", "C", "ch, de"])
def test_unknown_country_is_not_told(unknown: str) -> None:
    """What a platform says in place of a country, and what is none, is not told."""
    assert "location" not in told_of(x_appengine_country=unknown)


def test_the_outermost_proxy_knows_the_country() -> None:
    """Where one platform stands behind Cloudflare, it sees Cloudflare's address, so Cloudflare's country counts."""
    assert told_of(cf_ipcountry="JP", x_vercel_ip_country="US")["location"] == "JP"
    assert told_of(cf_ipcountry="XX", x_vercel_ip_country="US")["location"] == "US"


class TestReferrer:
    """Where the end user came from."""

    def test_the_same_host_is_no_referrer(self) -> None:
        """A page of the same host brought nobody here."""
        assert "referrer" not in told_of(referer="https://app.example.com/pools")

    def test_another_host_of_the_same_domain_is_one(self) -> None:
        """Another host is a referrer, even of the same domain."""
        assert told_of(referer="https://www.example.com/")["referrer"] == "https://www.example.com/"

    def test_an_android_app(self) -> None:
        """An application that opened a link is told by its package."""
        told = told_of(referer="android-app://com.google.android.gm/x?code=1")
        assert told["referrer"] == "android-app://com.google.android.gm/"

    @pytest.mark.parametrize(
        "referrer", ["", "about:blank", "javascript:alert(1)", "/local", "https://", "http://[::1"]
    )
    def test_what_is_no_url(self, referrer: str) -> None:
        """A referrer that is no URL of the web is not told."""
        assert "referrer" not in told_of(referer=referrer)


class TestCampaign:
    """The fields that are parameters of the page."""

    @pytest.mark.parametrize(
        "field",
        [
            *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"),
            *("ref", "gclid", "gad_source", "fbclid", "msclkid", "ttclid", "twclid", "li_fat_id", "rdt_cid"),
        ],
    )
    def test_every_field(self, field: str) -> None:
        """Each campaign field is told as a field and in the query, its first value counting."""
        told = told_of(f"x=1&{field}=a-1&{field}=b")
        assert told[field] == "a-1"
        assert told["page_query"] == f"x=1&{field}=a-1&{field}=b"

    @pytest.mark.parametrize("name", ["ref", "referral", "refcode", "REF"])
    def test_referral_codes_go_by_several_names(self, name: str) -> None:
        """A referral code is told as `ref`, by whichever name it came."""
        assert told_of(f"{name}=joe")["ref"] == "joe"

    def test_values_are_decoded(self) -> None:
        """Campaign values are told as they are meant, without blanks around them."""
        assert told_of("utm_campaign=+Fr%C3%BChling+%2B20%25+")["utm_campaign"] == "Frühling +20%"

    @pytest.mark.parametrize(
        "query",
        [
            "utm_source=%3Cscript%3Ealert(1)%3C/script%3E",
            "utm_source=javascript:alert(1)",
            "utm_source=a%00b",
            "utm_source=" + "a" * 256,
            "utm_source=",
            "ref=https://x.example/",
            "ref=" + "a" * 65,
            "gclid=a+b",
        ],
    )
    def test_what_scanners_try_is_no_campaign(self, query: str) -> None:
        """Markup, scripts and what no platform issues are not told as fields."""
        assert told_of(query).keys() <= {"page_url", "page_path", "page_query"}


class TestSizes:
    """What an end user can make long does not make an event too large."""

    def test_long_values(self) -> None:
        """A very long user agent is cut, and a very long path or query left out."""
        told = request_context(
            {
                "headers": {
                    "host": "x.example",
                    "user-agent": "a" * 9999,
                    "referer": "https://y.example/?" + "q" * 9999,
                },
                "rawPath": "/" + "p" * 9999,
                "rawQueryString": "q" * 9999,
            }
        )
        assert told == {"user_agent": "a" * 1024, "page_url": "https://x.example/", "referrer": "https://y.example/"}

    def test_control_characters(self) -> None:
        """Control characters of a user agent become blanks."""
        assert told_of(user_agent=" a\r\n\x00b\x85 ")["user_agent"] == "a b"


def test_the_agent_of_a_cache_is_not_the_end_users() -> None:
    """CloudFront's own user agent, which it sends in place of the end user's, is not told."""
    assert "user_agent" not in told_of(user_agent="Amazon CloudFront")


def test_every_field_is_one_that_formo_reads() -> None:
    """All that can be told are fields that Formo documents."""
    query = "&".join(f"{name}=a" for name in ContextFields.__annotations__)
    told = told_of(query, user_agent="a", accept_language="de", cf_ipcountry="CH", referer="https://x.example/")
    assert told.keys() <= ContextFields.__annotations__.keys()
    assert len(told) == 21
