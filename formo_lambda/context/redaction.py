"""Remove secrets from queries and paths."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Names of secret parameters. A longer name that ends with one of them is secret, too.
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
#: Names of secret parameters, as whole names only: `fromToken`, for example, names the currency of a swap.
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
#: Every parameter whose name begins with one of these is secret.
_BEGINNINGS = ("clerk", "privyoauth", "xamz", "xgoog")

# What may be a network address, perhaps with a port. The address is the first group or the second.
_ADDRESS = re.compile(
    r"([0-9]+(?:\.[0-9]+){3})(?::[0-9]+)?"
    r"|\[?([0-9a-fA-F:.]*:[0-9a-fA-F:.]*)(?:%\w+)?(?:\]?|\]:[0-9]+)"
)
_WEB_TOKEN = re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
_UNSAFE = re.compile(r"[^!#-;=?-~]")

#: Characters of the longest network address, with zone and port.
MAX_ADDRESS = 80
#: How often a parameter is decoded again to find a secret in it.
_MAX_DEPTH = 3


class Redaction:
    """The rules of one call: the names that are always secret, and those that the caller adds.

    Args:
        strip: Further names. A name with an asterisk at its end means all that begin with it.

    Raises:
        TypeError: `strip` has an element that is not a string.
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
        # A URL inside the URL, or a value that a server would decode again.
        decoded = unquote_plus(parameter, errors="replace")
        if depth and (decoded != parameter or "?" in value or "#" in value):
            return any(self._is_secret(part, depth - 1) for part in re.split(r"[?&;#]", decoded))
        return False

    def _is_secret_name(self, name: str) -> bool:
        # The whole name and each part of it, as in `user[accessToken]` or `user.access-token`.
        return any(
            plain in self._names or plain.endswith(_ENDINGS) or plain.startswith(self._beginnings)
            for plain in map(_plain, (name, *re.split(r"[^\w-]+", name)))
            if plain
        )


def encoded(part: str) -> str:
    """Percent-encode the characters of a path or query that a URL may not have."""
    return _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace")), part)


def _is_network_address(value: str) -> bool:
    # The check of a long text of colons would be slow.
    looks = _ADDRESS.fullmatch(value) if len(value) <= MAX_ADDRESS else None
    try:
        return looks is not None and bool(ip_address(looks[1] or looks[2]))
    except ValueError:  # a time of day, a version
        return False


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
