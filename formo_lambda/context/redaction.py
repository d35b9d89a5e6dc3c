"""Take what is secret out of queries, paths and URLs."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Names of parameters that are secrets, or let someone act for another; also as the last part of a longer name.
_ENDINGS = (
    "accesskey",
    "accesstoken",
    "apikey",
    "apitoken",
    "assertion",
    "authcode",
    "authorization",
    "authorizationcode",
    "authtoken",
    "bearer",
    "bearertoken",
    "codeverifier",
    "confirmationcode",
    "confirmationtoken",
    "credential",
    "credentials",
    "csrftoken",
    "devicecode",
    "emailtoken",
    "functionskey",
    "idtoken",
    "invitationtoken",
    "invitetoken",
    "jwt",
    "logincode",
    "logintoken",
    "magictoken",
    "mfacode",
    "mnemonic",
    "oauthcode",
    "oauthtoken",
    "oauthverifier",
    "onetimetoken",
    "oobcode",
    "otp",
    "otpcode",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "privytoken",
    "recoveryphrase",
    "refreshtoken",
    "resettoken",
    "secret",
    "secretkey",
    "securitytoken",
    "seedphrase",
    "sessionid",
    "sessiontoken",
    "signature",
    "smscode",
    "subscriptionkey",
    "symkey",
    "tokenhash",
    "usercode",
    "verificationcode",
    "verificationtoken",
    "verifytoken",
    "xsrftoken",
)
#: Names that are secrets only by themselves: a longer one that ends so may be anything, `fromToken` of a swap say.
_NAMES = (
    "auth",
    "authenticitytoken",
    "awsaccesskeyid",
    "clientip",
    "code",
    "csrf",
    "csrfmiddlewaretoken",
    "googleaccessid",
    "hmac",
    "ip",
    "ipaddress",
    "key",
    "keypairid",
    "nonce",
    "pass",
    "pin",
    "pwd",
    "relaystate",
    "remoteaddr",
    "samlrequest",
    "samlresponse",
    "seed",
    "session",
    "sessionstate",
    "sid",
    "sig",
    "state",
    "ticket",
    "token",
    "totp",
    "userip",
    "xsrf",
)
#: What whole families of secret parameters begin with.
_BEGINNINGS = ("clerk", "privyoauth", "xamz", "xgoog")

# Network addresses by their looks, with a port perhaps: the first group or the second is the address.
_ADDRESS = re.compile(
    r"([0-9]+(?:\.[0-9]+){3})(?::[0-9]+)?"
    r"|\[?([0-9a-fA-F:.]*:[0-9a-fA-F:.]*)(?:%\w+)?(?:\]?|\]:[0-9]+)"
)
_WEB_TOKEN = re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
_UNSAFE = re.compile(r"[^!#-;=?-~]")

#: Characters of the longest network address, with zone and port.
MAX_ADDRESS = 80
#: Decodings, one of another, that are undone to find a secret under them.
_MAX_DEPTH = 3


class Redaction:
    """The rules of one call: what is secret always, and what the caller named.

    Args:
        strip: Further names; one that ends with an asterisk stands for all that begin so.

    Raises:
        TypeError: `strip` holds something that is not a string.
    """

    def __init__(self, strip: Iterable[str]) -> None:
        names = [strip] if isinstance(strip, str) else list(strip)
        if not all(isinstance(name, str) for name in names):
            raise TypeError("strip takes the names of query parameters, as strings")
        self._names = {*_NAMES, *(_plain(name) for name in names if not name.endswith("*"))} - {""}
        self._beginnings = (*_BEGINNINGS, *(_plain(name) for name in names if name.endswith("*")))

    def query(self, query: str) -> str:
        """Return a query, still encoded, without its secret parameters."""
        kept = ""
        for separator, parameter in re.findall(r"(^|[&;])([^&;]*)", query):
            if not self._is_secret(parameter, _MAX_DEPTH):
                kept += (separator or "&" if kept else "") + parameter
        return kept

    def path(self, path: str) -> str:
        """Return a path without its secret parameters, such as `;jsessionid=`."""
        return re.sub(r";([^;/]*)", lambda found: "" if self._is_secret(found[1], _MAX_DEPTH) else found[0], path)

    def _is_secret(self, parameter: str, depth: int) -> bool:
        name, _, value = parameter.partition("=")
        if self._is_secret_name(name):
            return True
        if _WEB_TOKEN.search(parameter) or _is_network_address(value.strip()):
            return True
        # A URL within the URL, or whatever a server would decode once more.
        decoded = unquote_plus(parameter, errors="replace")
        if depth and (decoded != parameter or "?" in value or "#" in value):
            return any(self._is_secret(part, depth - 1) for part in re.split(r"[?&;#]", decoded))
        return False

    def _is_secret_name(self, name: str) -> bool:
        # `user[accessToken]`, `user.access-token`: the whole, and each of its parts.
        return any(
            plain in self._names or plain.endswith(_ENDINGS) or plain.startswith(self._beginnings)
            for plain in map(_plain, (name, *re.split(r"[^\w-]+", name)))
            if plain
        )


def encoded(part: str) -> str:
    """Return a path or query in which nothing is left that may not stand in a URL."""
    return _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace")), part)


def _is_network_address(value: str) -> bool:
    # Nothing longer is one, and long texts of colons would take long.
    looks = _ADDRESS.fullmatch(value) if len(value) <= MAX_ADDRESS else None
    try:
        return looks is not None and bool(ip_address(looks[1] or looks[2]))
    except ValueError:  # a time of day, a version
        return False


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
