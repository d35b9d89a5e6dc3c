"""Make the fields of an event's context from a request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from formo_lambda.context.urls import page_of, referrer_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from formo_lambda.context.redaction import Redaction
    from formo_lambda.context.sources import Request

#: Headers with the end user's country. The outermost proxy comes first: those behind it would tell its own country.
COUNTRY_HEADERS = (
    "cf-ipcountry",
    "cloudfront-viewer-country",
    "x-vercel-ip-country",
    "x-appengine-country",
    "x-country-code",
)
#: Values that mean an unknown country.
NO_COUNTRIES = ("XX", "ZZ")

MAX_USER_AGENT = 1024

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
_WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")

# Security scanners put markup and scripts into every parameter of a site. Values that cannot be the name of a campaign,
# a click id or a referral code are left out, to keep them out of reports.
_CAMPAIGN = re.compile(
    r"(?!\s*(?i:javascript|data|vbscript):)[^<>\"'`\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff\ufffd]{1,255}"
)
_CLICK_ID = re.compile(r"[A-Za-z0-9._-]{1,255}")
_REFERRAL = re.compile(r"[A-Za-z0-9._-]{1,64}")

#: The fields that come from the page's query, each with its pattern and its names. The first name with a value counts.
CAMPAIGN_FIELDS: Mapping[str, tuple[re.Pattern[str], tuple[str, ...]]] = {
    **{name: (_CAMPAIGN, (name,)) for name in ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")},
    "ref": (_REFERRAL, ("ref", "referral", "refcode")),
    **{
        name: (_CLICK_ID, (name,))
        for name in ("gclid", "gad_source", "fbclid", "msclkid", "ttclid", "twclid", "li_fat_id", "rdt_cid")
    },
}


def fields_of(request: Request, redaction: Redaction) -> dict[str, str]:
    """Return the fields for which the request has a value."""
    page = page_of(request, redaction)
    fields = {
        "user_agent": _user_agent(request.headers),
        "locale": _locale(request.headers.get("accept-language", "")),
        "location": _country(request.headers),
        "page_url": page.url,
        "page_path": page.path,
        "page_query": page.query,
        "referrer": referrer_of(request, page, redaction),
        **_campaign(page.query),
    }
    return {name: value for name, value in fields.items() if value}


def _user_agent(headers: Mapping[str, str]) -> str:
    agent = _CONTROL.sub(" ", headers.get("user-agent", "")).strip()[:MAX_USER_AGENT]
    # CloudFront sends its own, unless it is configured to forward the end user's.
    return "" if agent == "Amazon CloudFront" else agent


def _locale(accept_language: str) -> str:
    """Return the preferred language as a tag in its usual case, such as "zh-Hant-TW"."""
    best, most = "", 0.0
    for choice in accept_language[:1024].split(","):
        tag, _, weight = (part.strip() for part in choice.replace("q=", "", 1).partition(";"))
        wanted = float(weight) if _WEIGHT.fullmatch(weight) else float(not weight)
        if wanted > most and _LANGUAGE.fullmatch(tag):
            best, most = tag, wanted
    language, *others = best.split("-")
    return "-".join([language.lower(), *map(_subtag, others)])


def _subtag(subtag: str) -> str:
    return {2: subtag.upper(), 4: subtag.title()}.get(len(subtag), subtag.lower())


def _country(headers: Mapping[str, str]) -> str:
    for name in COUNTRY_HEADERS:
        country = headers.get(name, "").strip().upper()
        if re.fullmatch("[A-Z]{2}", country) and country not in NO_COUNTRIES:
            return country
    return ""


def _campaign(query: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        given.setdefault(unquote_plus(name).lower(), unquote_plus(value).strip())
    found = {}
    for field, (rule, names) in CAMPAIGN_FIELDS.items():
        value = next((given[name] for name in names if given.get(name)), "")
        found[field] = value if rule.fullmatch(value) else ""
    return found
