"""No secret is in the locals of an exception that leaves the package: reporters show those of every frame."""

from __future__ import annotations

import asyncio
import pickle
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import ConfigurationError, DeliveryError, FormoAnalytics, Response, ValidationError, formo_flush
from formo_lambda.asgi import FormoFlushMiddleware as AsgiMiddleware
from formo_lambda.testing import LocalCollector, RecordingTransport
from formo_lambda.wsgi import FormoFlushMiddleware as WsgiMiddleware
from tests.promises.faults import behaviours
from tests.promises.faults.fault_server import FaultServer
from tests.promises.signals import SIGNAL, handled_by, raising, sent_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

# In parts, because reporters show the lines of source around each frame, too.
KEY = "wk_" + "HIDDEN_KEY"
NEIGHBOUR = "postgres://" + "HIDDEN_NEIGHBOUR"
PASSWORD = "HIDDEN" + "_PASSWORD"
_BASIC = "Basic" + " "
_BROKEN = "repr" + "() failed"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment has the key, and secrets of others."""
    monkeypatch.setenv("FORMO_WRITE_KEY", KEY)
    monkeypatch.setenv("DATABASE_URL", NEIGHBOUR)


class _FailedError(Exception):
    """What a handler raises."""


# -- reporters ---------------------------------------------------------------------------------------------------------


def _by_the_standard_library(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def _by_sentry(error: BaseException) -> str:
    sentry_sdk: Any = pytest.importorskip("sentry_sdk")

    class Kept(sentry_sdk.Transport):  # type: ignore[misc] # of any class
        """Keeps what would be sent."""

        envelopes: list[bytes] = []  # noqa: RUF012 -- of one report

        def capture_envelope(self, envelope: Any) -> None:
            """Keep it."""
            self.envelopes.append(envelope.serialize())

    # Without its own filter, which masks variables by their names.
    scrubber = sentry_sdk.scrubber.EventScrubber(denylist=[], pii_denylist=[])
    client = sentry_sdk.Client(
        dsn="http://public@127.0.0.1:9/1", transport=Kept, default_integrations=False, event_scrubber=scrubber
    )
    with sentry_sdk.new_scope() as scope:
        scope.set_client(client)
        scope.capture_exception(error)
    client.close()
    (envelope,) = Kept.envelopes
    return envelope.decode()


@pytest.fixture(params=[_by_the_standard_library, _by_sentry], ids=["standard library", "sentry"])
def shown(request: pytest.FixtureRequest) -> Callable[[BaseException], str]:
    """Shows an exception as a reporter does."""
    show: Callable[[BaseException], str] = request.param
    if show is _by_sentry:
        pytest.importorskip("sentry_sdk", reason="a tool of development")
    return show


def _check(text: str, module: str | None = "formo_lambda") -> None:
    assert module is None or module in text, "no frame of the package is in it"
    assert not [secret for secret in ("HIDDEN_KEY", "HIDDEN_NEIGHBOUR", PASSWORD) if secret in text]


def test_a_reporter_shows_what_is_there(shown: Callable[[BaseException], str]) -> None:
    """A local of a frame is in the report: what the other tests do not find is not hidden by the reporter."""

    def fail(secret: str) -> None:
        raise _FailedError(len(secret))

    with pytest.raises(_FailedError) as caught:
        fail(KEY)
    assert KEY in shown(caught.value)


# -- a client that is not made -----------------------------------------------------------------------------------------


_WRONG: dict[str, Any] = {
    "flush_at": 0,
    "flush_interval": "soon",
    "max_queue_size": -1,
    "retry_count": 11,
    "flush_timeout": None,
    "request_timeout": float("nan"),
    "max_pending_size": 1.5,
    "api_host": "http://events.example.test",
    "enabled": "yes",
    "handle_signals": 1,
    "on_undelivered": "log",
    "on_invalid": "ignore",
    "transport": object(),
    "json_default": 5,
    "channel": "web",
}


@pytest.mark.parametrize("option", _WRONG)
@pytest.mark.parametrize("given", [True, False], ids=["given", "of the environment"])
def test_a_wrong_option(shown: Callable[[BaseException], str], option: str, given: bool) -> None:  # noqa: FBT001
    """Neither the key beside it nor the environment is in a frame, and the half-made client can be shown."""
    with pytest.raises(ConfigurationError) as caught:
        FormoAnalytics(KEY if given else None, **{option: _WRONG[option]})
    assert caught.value.option == option
    text = shown(caught.value)
    _check(text)
    assert "write_key='***'" in text
    assert _BROKEN not in text


@pytest.mark.parametrize("spoilt", ["{} x", " {}", "{}\t", "{}\u00e9", "{}\r\nX-Injected: 1"])
@pytest.mark.parametrize("given", [True, False], ids=["given", "of the environment"])
def test_a_wrong_key(
    shown: Callable[[BaseException], str],
    monkeypatch: pytest.MonkeyPatch,
    spoilt: str,
    given: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """What is no key is a secret all the same: it was meant to be one."""
    monkeypatch.setenv("FORMO_WRITE_KEY", spoilt.format(KEY))
    with pytest.raises(ConfigurationError) as caught:
        FormoAnalytics(spoilt.format(KEY) if given else None)
    _check(shown(caught.value))


def test_a_missing_key(shown: Callable[[BaseException], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the environment is not shown for it."""
    monkeypatch.delenv("FORMO_WRITE_KEY")
    with pytest.raises(ConfigurationError) as caught:
        FormoAnalytics()
    _check(shown(caught.value))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("https_proxy", "http://user:{}#@proxy:3128"),
        ("https_proxy", "socks5://user:{}@proxy:3128"),
        ("ALL_PROXY", "http://user:{}@proxy:70000"),
        ("SSL_CERT_FILE", "/nowhere/authority.pem"),
        ("AWS_CA_BUNDLE", "/nowhere/authority.pem"),
    ],
)
def test_a_network_that_cannot_be_used(
    shown: Callable[[BaseException], str], monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Nor is the password of a proxy, the one that is wrong or a good one beside a missing file."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@proxy:3128")
    monkeypatch.setenv(variable, value.format(PASSWORD))
    with pytest.raises(ConfigurationError) as caught:
        FormoAnalytics(KEY, api_host="https://events.example.test")
    assert caught.value.option == variable
    text = shown(caught.value)
    _check(text)
    assert _BASIC not in text


def test_a_half_made_client_can_be_shown() -> None:
    """Whoever shows it before its options are checked gets no exception."""
    client = FormoAnalytics.__new__(FormoAnalytics)
    assert repr(client) == "FormoAnalytics(write_key='***')"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("given", [True, False], ids=["given", "of the environment"])
def test_a_newline_at_the_end_of_a_key_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
    given: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """A secret that is mounted as a file has one: the header has the key alone."""
    monkeypatch.setenv("FORMO_WRITE_KEY", KEY + ending)
    with LocalCollector(write_key=KEY) as collector:
        client = FormoAnalytics(KEY + ending if given else None, api_host=collector.url, handle_signals=False)
        client.track("Configured")
        assert client.close().sent == 1


@pytest.mark.parametrize("key", ["\n", "\r\n"])
def test_a_newline_alone_is_no_key(key: str) -> None:
    """The file was empty."""
    with pytest.raises(ConfigurationError, match="FORMO_WRITE_KEY"):
        FormoAnalytics(key)


# -- a client that is there --------------------------------------------------------------------------------------------


@pytest.fixture
def client() -> Iterator[FormoAnalytics]:
    """A client whose events are refused."""
    transport = RecordingTransport()
    transport.respond_with(401, forever=True)
    with FormoAnalytics(KEY, transport=transport, handle_signals=False, json_default=_unknown) as made:
        yield made


def _unknown(value: object) -> object:
    raise _FailedError


def _aflush(client: FormoAnalytics) -> object:
    return asyncio.run(client.aflush(-1))


def _raise_for_errors(client: FormoAnalytics) -> None:
    client.track("Refused")
    client.flush().raise_for_errors()


def _entered_twice(client: FormoAnalytics) -> None:
    invocation = client.invocation()
    with invocation, invocation:
        pass


def _in_an_invocation(client: FormoAnalytics) -> None:
    with client.invocation():
        client.track("Scoped")
        raise _FailedError


_CALLS: dict[str, Callable[[Any], object]] = {
    "track": lambda client: client.track(5),
    "track, an address": lambda client: client.track("Bad", address="0x0"),
    "track, a property": lambda client: client.track("Bad", properties={"a": object()}),
    "identify": lambda client: client.identify(address=None),
    "transaction": lambda client: client.transaction(status="sent", chain_id=-1),
    "detect": lambda client: client.detect(provider_name="", rdns="io.metamask"),
    "an unknown argument": lambda client: client.track("Bad", colour="red"),
    "flush": lambda client: client.flush("soon"),
    "aflush": _aflush,
    "close": lambda client: client.close(float("nan")),
    "invocation": lambda client: client.invocation(on_exception="ignore"),
    "invocation, a key": lambda client: client.invocation(idempotency_key=object()),
    "an invocation entered twice": _entered_twice,
    "an exception in an invocation": _in_an_invocation,
    "raise_for_errors": _raise_for_errors,
    "pickle": pickle.dumps,
    "formo_flush, an option": lambda client: formo_flush(timeout="soon"),  # type: ignore[call-overload]
    "formo_flush, an unknown option": lambda client: formo_flush(colour="red"),  # type: ignore[call-overload]
    "formo_flush, clients": lambda client: formo_flush(clients=[client, 5]),  # type: ignore[list-item]
    "middleware, an option": lambda client: WsgiMiddleware(print, on_exception=5),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("call", _CALLS.values(), ids=_CALLS)
def test_a_wrong_call(
    shown: Callable[[BaseException], str], client: FormoAnalytics, call: Callable[[Any], object]
) -> None:
    """Whatever is wrong, what the client holds is not shown."""
    with pytest.raises(
        (ConfigurationError, ValidationError, DeliveryError, TypeError, RuntimeError, _FailedError)
    ) as caught:
        call(client)
    _check(shown(caught.value), module=None)


# -- exceptions that pass ----------------------------------------------------------------------------------------------


@formo_flush
def _function(event: object, context: object) -> None:
    raise _FailedError


@formo_flush
async def _coroutine(event: object, context: object) -> None:
    raise _FailedError


@formo_flush
def _generator(event: object, context: object) -> Iterator[int]:
    yield 1
    raise _FailedError


async def _asgi_app(scope: Any, receive: Any, send: Any) -> None:
    raise _FailedError


def _wsgi_app(environ: Any, start_response: Any) -> Any:
    raise _FailedError


def _asgi() -> None:
    async def nothing(*_: object) -> dict[str, Any]:
        return {}

    asyncio.run(
        AsgiMiddleware(_asgi_app)({"type": "http", "method": "GET", "path": "/", "headers": []}, nothing, nothing)
    )


_HANDLERS: dict[str, Callable[[], object]] = {
    "function": lambda: _function({}, None),
    "coroutine": lambda: asyncio.run(_coroutine({}, None)),
    "generator": lambda: list(_generator({}, None)),
    "ASGI": _asgi,
    "WSGI": lambda: WsgiMiddleware(_wsgi_app)({"REQUEST_METHOD": "GET"}, lambda *_: print),
}


@pytest.mark.parametrize("call", _HANDLERS.values(), ids=_HANDLERS)
def test_an_exception_of_a_handler(
    shown: Callable[[BaseException], str], client: FormoAnalytics, call: Callable[[], object]
) -> None:
    """Our frames on its way have no secret, whatever is to be flushed."""
    client.track("Pending")
    with pytest.raises(_FailedError) as caught:
        call()
    _check(shown(caught.value))


class _Stop(BaseException):
    """What a signal handler raises."""


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server that can be told how to behave."""
    with FaultServer() as running:
        yield running


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="a platform without such signals")
@pytest.mark.parametrize("error", [_Stop, KeyboardInterrupt, _FailedError])
@pytest.mark.parametrize("size", [1, 8_000_000], ids=["awaiting the answer", "sending"])
def test_what_a_signal_raises_in_the_middle_of_a_request(
    shown: Callable[[BaseException], str], server: FaultServer, error: type[BaseException], size: int
) -> None:
    """The frames that send the header with the key are shown empty; those of the signal handler are as they were."""
    behaviour = behaviours.never_answers if size == 1 else lambda exchange: exchange.pause()
    server.switch(behaviour)
    client = FormoAnalytics(KEY, api_host=server.url, handle_signals=False, max_pending_size=1_000_000_000)
    for _ in range(20 if size > 1 else 1):
        client.track("Interrupted", properties={"text": "x" * min(size, 400_000)})
    with sent_after(0.3, raising(error)), pytest.raises(error) as caught:
        client.flush(10.0)
    text = shown(caught.value)
    _check(text)
    assert "on_signal" in text
    server.lift()
    assert client.close(20.0).ok


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="a platform without such signals")
# Between two lines a socket may belong to nobody yet, and a finalizer may be what is interrupted.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_raised_at_any_line_of_a_request() -> None:
    """Whichever of the lines that send a request and read its answer a signal comes at, no frame shows the key."""
    raised = 0
    with LocalCollector() as collector:
        client = FormoAnalytics(KEY, api_host=collector.url, handle_signals=False)
        for line in range(1, 1_000, 9):  # there are some 1 300
            client.track("Interrupted")
            with handled_by(raising(_Stop)):
                sys.settrace(_signalling(line))
                try:
                    client.flush(5.0)
                except _Stop as error:
                    sys.settrace(None)
                    _check(_by_the_standard_library(error))
                    raised += 1
                finally:
                    sys.settrace(None)
            assert client.flush(5.0).ok
        client.close()
    assert raised > 80


def _signalling(line: int) -> Callable[[FrameType, str, object], Any]:
    """Return a trace function that sends the signal at one of the lines that a request takes."""
    left = line

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        module = frame.f_globals.get("__name__", "")
        if event == "line" and module.startswith(("formo_lambda.transport", "http", "urllib3")):
            left -= 1
            if left == 0:
                signal.raise_signal(SIGNAL)
        return trace

    return trace


def test_the_failure_of_a_user_s_transport(shown: Callable[[BaseException], str]) -> None:
    """The error in the result has nothing of the headers that it was given."""

    class Interrupted(RecordingTransport):
        def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
            if self.requests:
                return super().send(body, headers, timeout)
            super().send(body, headers, timeout)
            del headers  # The user's own frame may show what it likes.
            raise OSError

    client = FormoAnalytics(KEY, transport=Interrupted(), handle_signals=False, retry_count=0)
    client.track("Failed")
    (error,) = client.flush(1.0).errors
    _check(shown(error), module=None)
    assert client.close().ok


def test_what_is_logged(
    shown: Callable[[BaseException], str], client: FormoAnalytics, caplog: pytest.LogCaptureFixture
) -> None:
    """Exceptions of users' callables are logged with their frames; ours among them have no secret."""

    def fail(*_: object) -> bool:
        raise _FailedError

    class Broken:
        name = "broken"
        serverless = False
        exit_budget = 1.0

        def matches(self, environ: Any) -> bool:
            del environ  # The user's own frame may show what it likes.
            raise _FailedError

    @formo_flush(on_exception=fail, idempotency=fail, platforms=[Broken()])  # type: ignore[list-item]
    def handler(event: object, context: object) -> None:
        client.track("Pending")
        raise LookupError

    with pytest.raises(LookupError):
        handler({}, None)
    errors = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert len(errors) >= 3
    for error in errors:
        assert error is not None
        _check(shown(error))
