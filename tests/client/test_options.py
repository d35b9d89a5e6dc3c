"""The options of a client: ranges, the environment, and errors that say what to do."""

from __future__ import annotations

import enum
import pickle
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import ConfigurationError, FormoAnalytics
from formo_lambda.options import WriteKey, resolve
from formo_lambda.testing import RecordingTransport

if TYPE_CHECKING:
    from formo_lambda.options import Options

KEY = "wk_secret_71c0d2"

DEFAULTS: dict[str, Any] = {
    "write_key": KEY,
    "api_host": None,
    "enabled": None,
    "flush_at": 20,
    "flush_interval": 30.0,
    "max_queue_size": 500_000,
    "retry_count": 3,
    "flush_timeout": 2.0,
    "request_timeout": 5.0,
    "max_pending_size": 10_000_000,
    "handle_signals": True,
    "on_undelivered": None,
    "on_invalid": "raise",
    "json_default": None,
    "channel": "server",
}

RANGES = [
    ("flush_at", 1, 100),
    ("flush_interval", 1, 300),
    ("max_queue_size", 1_000, 500_000),
    ("retry_count", 0, 10),
    ("flush_timeout", 0.01, 600),
    ("request_timeout", 0.01, 600),
    ("max_pending_size", 0, 1_000_000_000),
]
WHOLE = {"flush_at", "max_queue_size", "retry_count", "max_pending_size"}


def resolved(environ: dict[str, str] | None = None, **changes: Any) -> Options:
    """Resolve the default options with some changes, in an environment of its own."""
    given = {**DEFAULTS, **changes}
    key = given.pop("write_key")
    return resolve(**given, write_key=None if key is None else WriteKey(key), getenv=(environ or {}).get)


def test_the_constructor_has_the_same_defaults() -> None:
    """A client made with nothing but a key has the options that are documented."""
    client = FormoAnalytics(KEY, transport=RecordingTransport(), handle_signals=False)
    assert client._options._replace(write_key=None) == resolved(handle_signals=False)._replace(write_key=None)


@pytest.mark.parametrize(("option", "low", "high"), RANGES)
def test_both_ends_of_a_range_are_within_it(option: str, low: float, high: float) -> None:
    """The least and the greatest value are allowed."""
    for value in (low, high):
        changes: dict[str, Any] = {option: value}
        assert getattr(resolved(**changes), option) == value


@pytest.mark.parametrize(("option", "low", "high"), RANGES)
def test_out_of_range_names_the_option_and_the_range(option: str, low: float, high: float) -> None:
    """Beyond either end, of another type, or no number at all: the error says which option and what it may be."""
    step = 1 if option in WHOLE else 0.001
    wrong: list[Any] = [low - step, high + step, -high, None, "5", True, float("nan"), float("inf"), [], 10**400]
    wrong += [5.0, 5.5] if option in WHOLE else []
    for value in wrong:
        with pytest.raises(ConfigurationError) as caught:
            FormoAnalytics(KEY, **{option: value})
        assert caught.value.option == option
        for said in (option, str(low), str(high)):
            assert said in str(caught.value)


@pytest.mark.parametrize(
    ("option", "wrong", "rule"),
    [
        ("enabled", [0, 1, "yes", "", []], "True or False"),
        ("handle_signals", [0, 1, None, "no"], "True or False"),
        ("on_undelivered", ["log", 1, []], "callable"),
        ("json_default", ["str", 1, {}], "callable"),
        ("on_invalid", ["ignore", "RAISE", None, True], "'raise' or 'log'"),
        ("transport", [5, "urllib3", object(), SimpleNamespace(send=None)], "a method send(body, headers, timeout)"),
    ],
)
def test_other_options_say_their_rule(option: str, wrong: list[Any], rule: str) -> None:
    """What is neither the one nor the other is refused by name."""
    for value in wrong:
        with pytest.raises(ConfigurationError) as caught:
            FormoAnalytics(KEY, **{option: value})
        assert caught.value.option == option
        assert rule in str(caught.value)


class _Refusing:
    """What raises where it is compared, formatted, or converted."""

    def _refuse(self, *arguments: object) -> Any:
        raise LookupError("no such pool")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __str__ = __format__ = __bool__ = __float__ = _refuse
    __hash__ = object.__hash__


class _RefusingText(_Refusing, str):
    __slots__ = ()


class _RefusingInt(_Refusing, int):
    pass


class _RefusingFloat(_Refusing, float):
    pass


@pytest.mark.parametrize("option", [option for option, _, _ in RANGES])
def test_a_number_that_lets_nobody_compare_it_has_the_same_rule(option: str) -> None:
    """A number of a class of its own, whose comparison raises, is taken for its value, or refused as any other is."""
    low, high = next((low, high) for name, low, high in RANGES if name == option)
    kind: Any = _RefusingInt if option in WHOLE else _RefusingFloat
    taken = getattr(resolved(**{option: kind(high)}), option)
    assert type(taken) is (int if option in WHOLE else float)
    assert taken == high
    with pytest.raises(ConfigurationError) as caught:
        resolved(**{option: kind(low - 1)})
    assert caught.value.option == option


def test_a_text_that_lets_nobody_compare_it_is_taken_for_its_value() -> None:
    """A string of a class of its own, whose comparison and formatting raise, is the string that it is."""
    options = resolved(
        write_key=_RefusingText(KEY), api_host=_RefusingText("https://a.example.test"), on_invalid=_RefusingText("log")
    )
    assert options.write_key is not None
    assert options.write_key.reveal() == KEY
    assert (options.endpoint, options.on_invalid) == ("https://a.example.test/v0/raw_events", "log")
    rule: Any = _RefusingText("discard")
    client = FormoAnalytics(KEY, transport=RecordingTransport(), handle_signals=False)
    with client.invocation(on_exception=rule, timeout=_RefusingFloat(1), idempotency_key=_RefusingText("order 1")):
        client.track("Configured")
    assert client.stats.sent == 1


def test_a_key_may_be_a_member_of_an_enumeration() -> None:
    """The header has the value of a `str` enumeration's member, which newer Pythons format by its name."""

    class Key(str, enum.Enum):
        MAIN = KEY

    transport = RecordingTransport(write_key=KEY)
    client = FormoAnalytics(Key.MAIN, transport=transport, handle_signals=False)
    client.track("Configured")
    assert client.flush().sent == 1
    assert transport.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_transport_that_raises_when_asked_for_its_method_is_refused() -> None:
    """An object that lets nobody look for `send` is no transport, whatever it raises."""

    class Locked:
        @property
        def send(self) -> object:
            raise LookupError("no such pool")

    locked: Any = Locked()
    with pytest.raises(ConfigurationError, match=r"^Invalid transport: must be"):
        FormoAnalytics(KEY, transport=locked)


def test_the_key_comes_from_the_argument_or_else_the_environment() -> None:
    """The argument wins."""
    environ = {"FORMO_WRITE_KEY": "from-environment"}
    for given, expected in [(None, "from-environment"), ("given", "given")]:
        key = resolved(environ, write_key=given).write_key
        assert key is not None
        assert key.reveal() == expected


@pytest.mark.parametrize("environ", [{}, {"FORMO_WRITE_KEY": ""}])
@pytest.mark.parametrize("given", [None, ""])
def test_a_missing_key_says_what_to_set(environ: dict[str, str], given: str | None) -> None:
    """The message names the variable, the argument, and the switch for builds and tests."""
    with pytest.raises(ConfigurationError) as caught:
        resolved({} if given == "" else environ, write_key=given)
    assert caught.value.option == "write_key"
    for said in ("FORMO_WRITE_KEY", "FormoAnalytics('<YOUR_WRITE_KEY>')", "FORMO_DISABLED=1"):
        assert said in str(caught.value)


@pytest.mark.parametrize("key", [f"{KEY} ", f"{KEY}\n\t", f"\n{KEY}", f"{KEY}é", f"{KEY}\x7f", " ", 5, KEY.encode()])
def test_a_malformed_key_is_refused_and_not_repeated(key: Any) -> None:
    """The rule is told, the key is not."""
    with pytest.raises(ConfigurationError, match="printable ASCII") as caught:
        resolved(write_key=key)
    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value)


def test_no_error_of_an_option_tells_the_key() -> None:
    """Whatever option is wrong, the key beside it stays out of the message."""
    for option in [each for each in DEFAULTS if each != "write_key"]:
        wrong: dict[str, Any] = {option: b"wrong"}
        with pytest.raises(ConfigurationError) as caught:
            FormoAnalytics(KEY, **wrong)
        assert KEY not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    ("value", "enabled"),
    [("1", False), ("true", False), ("YES", False), ("on", False), ("0", True), ("", True), ("false", True),
     ("No", True), (" off ", True)],
)  # fmt: skip
def test_the_environment_can_disable(value: str, enabled: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    """FORMO_DISABLED is a switch in the usual spellings, and `enabled` wins over it."""
    environ = {"FORMO_DISABLED": value}
    assert resolved(environ).enabled is enabled
    assert resolved(environ, enabled=True).enabled
    assert not resolved(environ, enabled=False).enabled


def test_disabled_needs_no_key() -> None:
    """Builds and tests import applications without one."""
    assert resolved({"FORMO_DISABLED": "1"}, write_key=None).write_key is None
    assert resolved(write_key=None, enabled=False).write_key is None


def test_disabled_still_checks_a_key_that_is_there() -> None:
    """A malformed key is found before production finds it."""
    with pytest.raises(ConfigurationError):
        resolved(enabled=False, write_key="a key")


@pytest.mark.parametrize(
    ("host", "endpoint"),
    [
        (None, "https://events.formo.so/v0/raw_events"),
        ("", "https://events.formo.so/v0/raw_events"),
        ("https://events.example.test", "https://events.example.test/v0/raw_events"),
        ("https://events.example.test/", "https://events.example.test/v0/raw_events"),
        ("https://events.example.test/base//", "https://events.example.test/base/v0/raw_events"),
        ("https://events.example.test:8443/base", "https://events.example.test:8443/base/v0/raw_events"),
        ("HTTPS://Events.Example.test", "HTTPS://Events.Example.test/v0/raw_events"),
        ("http://localhost:8080", "http://localhost:8080/v0/raw_events"),
        ("http://127.0.0.1", "http://127.0.0.1/v0/raw_events"),
        ("http://127.255.0.9:1", "http://127.255.0.9:1/v0/raw_events"),
        ("http://[::1]:9000", "http://[::1]:9000/v0/raw_events"),
    ],
)
def test_api_host_is_a_base_url(host: str | None, endpoint: str) -> None:
    """Events are posted below it; nothing given means Formo itself."""
    assert resolved(api_host=host).endpoint == endpoint
    if host is not None:
        assert resolved({"FORMO_EVENTS_BASE_URL": host}).endpoint == endpoint


def test_api_host_wins_over_the_environment() -> None:
    """The argument is nearer."""
    environ = {"FORMO_EVENTS_BASE_URL": "https://environment.example.test"}
    assert resolved(environ, api_host="https://given.example.test").endpoint.startswith("https://given.example.test/")


@pytest.mark.parametrize(
    "host",
    [
        "events.example.test",
        "http://events.example.test",
        "http://192.168.0.1",
        "http://0.0.0.0",
        "http://127.0.0.1.example.test",
        "http://127.0.0.256",
        "http://127.1",
        "http://localhost.example.test",
        "ws://127.0.0.1",
        "https://",
        "https:///path",
        "https://user:pass@events.example.test",
        "https://@events.example.test",
        "https://events.example.test?key=1",
        "https://events.example.test#part",
        "https://events.example.test?",
        "https://events.example.test#",
        "https://events.example.test/base?/",
        "https://events.example.test:0",
        "http://127.0.0.1:0",
        "https://events.example.test:port",
        "https://events.example.test:99999",
        "https://[::1",
        "https://events.exämple.test",
        "https://events.example.test/a b",
        "https://events.example.test\n",
        "https://events.example.test\\@127.0.0.1",
        b"https://events.example.test",
        443,
    ],
)
def test_an_api_host_that_would_leak_or_not_work_is_refused(host: Any) -> None:
    """Not https and not loopback, or with anything that a base URL does not have: the rule is told."""
    with pytest.raises(ConfigurationError, match=r"^Invalid api_host: must be a base URL: https://"):
        resolved(api_host=host)


def test_a_write_key_is_masked_and_stays_in_its_process() -> None:
    """It is revealed by name only."""
    key = WriteKey(KEY)
    assert key.reveal() == KEY
    assert KEY not in f"{key} {key!r}"
    with pytest.raises(TypeError, match="construct the client in each process") as caught:
        pickle.dumps(key)
    assert KEY not in str(caught.value)
