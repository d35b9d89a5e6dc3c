"""The options of decorator and middleware: one list, the same rules."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import ConfigurationError, FormoAnalytics, asgi, formo_flush, wsgi
from formo_lambda.handlers.options import FlushOptions
from tests.package.project import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS = list(FlushOptions.__annotations__)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Be an application."""


TAKERS: dict[str, Callable[..., object]] = {
    "formo_flush": formo_flush,
    "asgi": lambda **options: asgi.FormoFlushMiddleware(application, **options),
    "wsgi": lambda **options: wsgi.FormoFlushMiddleware(lambda environ, start_response: [], **options),
}


@pytest.mark.parametrize("taker", list(TAKERS))
def test_every_option_is_taken(client: FormoAnalytics, taker: str) -> None:
    """Decorator and both middlewares take each option of the list, alone and all together."""
    valid: dict[str, Any] = {
        "timeout": 1,
        "clients": iter([client]),
        "on_exception": "discard",
        "idempotency": lambda *arguments: "key",
        "platforms": (),
    }
    assert list(valid) == OPTIONS
    for option, value in valid.items():
        TAKERS[taker](**{option: value})
    TAKERS[taker](**valid)


@pytest.mark.parametrize("taker", list(TAKERS))
@pytest.mark.parametrize(
    ("option", "value"),
    [("timeout", -1), ("clients", 5), ("on_exception", "drop"), ("idempotency", "key"), ("platforms", None)],
)
def test_every_option_has_its_rule(taker: str, option: str, value: object) -> None:
    """An option that breaks its rule is a ConfigurationError that names it, wherever it was given."""
    with pytest.raises(ConfigurationError) as caught:
        TAKERS[taker](**{option: value})
    assert caught.value.option == option


@pytest.mark.parametrize(
    ("taker", "named"),
    [
        ("formo_flush", "formo_flush"),
        ("asgi", "FormoFlushMiddleware.__init__"),
        ("wsgi", "FormoFlushMiddleware.__init__"),
    ],
)
@pytest.mark.parametrize("name", ["timout", "function", "given", "self_"])
def test_no_other_option_is_taken(taker: str, named: str, name: str) -> None:
    """A misspelt option is a TypeError that names it, and who was given it, as Python's own does."""
    with pytest.raises(TypeError) as caught:
        TAKERS[taker](**{name: 1})
    assert str(caught.value) == f"{named}() got an unexpected keyword argument {name!r}"


def test_every_option_is_documented() -> None:
    """Each option says what it does in the list, and in the help of the decorator; the middlewares name each."""
    source = (PACKAGE / "handlers" / "options.py").read_text(encoding="utf-8")
    for option in OPTIONS:
        assert f"\n    {option}: " in source
        assert f"\n        {option} (" in (inspect.getdoc(formo_flush) or "")
        for module in (asgi, wsgi):
            assert f"`{option}`" in (inspect.getdoc(module.FormoFlushMiddleware) or "")
    assert source.count('\n    """') >= len(OPTIONS)
