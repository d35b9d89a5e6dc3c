"""Invocations and decorated handlers, given anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formo_lambda import FormoAnalytics, formo_flush
from tests.fuzz.laws import Plan, bounded, harmless
from tests.fuzz.memory import Memory
from tests.fuzz.values import ANYTHING, OPTIONS, Maker

_memory = Memory()
_client = FormoAnalytics("key", transport=_memory, handle_signals=False)


class HandlerError(Exception):
    """What a handler of the user's raises."""


def plans(name: str, options: tuple[str, ...]) -> st.SearchStrategy[Plan]:
    """Calls with some of these options."""
    makers = st.dictionaries(st.sampled_from(options), OPTIONS, max_size=2)
    return makers.map(lambda chosen: Plan(name, chosen))


@bounded
@given(plans("invocation", ("on_exception", "timeout", "idempotency_key")), st.booleans())
def test_an_invocation_is_refused_or_ends_well(plan: Plan, fails: bool) -> None:  # noqa: FBT001 -- drawn
    """Whatever an invocation is given, it raises an error of ours when opened, or hands on what its block raised."""
    call = plan.call()
    opened = None
    with harmless(call) as outcome:
        opened = _client.invocation(**call.named)
    if opened is None:
        assert type(outcome.error).__name__ == "ConfigurationError"
        return
    error = HandlerError()
    with harmless(call):
        raised = None
        try:
            with opened:
                _client.track("Swap")
                if fails:
                    raise error
        except HandlerError as caught:
            raised = caught
        assert raised is (error if fails else None)
    assert _client.flush(5).ok
    assert len(_memory.taken()) <= 1


@bounded
@given(
    plans("formo_flush", ("timeout", "clients", "on_exception", "idempotency", "platforms")),
    ANYTHING,
    st.lists(ANYTHING, max_size=3),
    st.booleans(),
)
def test_a_decorated_handler_keeps_its_ways(
    plan: Plan,
    result: Maker,
    arguments: list[Maker],
    fails: bool,  # noqa: FBT001 -- drawn
) -> None:
    """Whatever the decorator is given, it raises an error of ours, or the handler works as without it."""
    call = plan.call()
    decorator = None
    with harmless(call):
        decorator = formo_flush(**call.named)
    if decorator is None:
        return
    value, given_arguments, error = result(), [make() for make in arguments], HandlerError()

    def handler(*_: Any) -> Any:
        _client.track("Swap")
        if fails:
            raise error
        return value

    called = Plan(f"{call!r} handler", {"value": lambda: value, "arguments": lambda: given_arguments}).call()
    with harmless(called):
        if fails:
            with pytest.raises(HandlerError) as raised:
                decorator(handler)(*given_arguments)
            assert raised.value is error
        else:
            returned = decorator(handler)(*given_arguments)
            assert returned is value or _is_driven(value), "another value was returned"
    assert _client.flush(5).ok
    _memory.taken()


def _is_driven(value: Any) -> bool:
    """Whether the decorator must hand on something else: what drives an iterator, or what awaits."""
    kind = type(value)
    return any(name in dir(kind) for name in ("__next__", "__anext__", "__await__"))
