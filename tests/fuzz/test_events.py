"""Event methods, given anything."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from formo_lambda import FormoAnalytics
from formo_lambda.events.event_types import EVENT_TYPES
from tests.fuzz.bases import ADDRESS
from tests.fuzz.laws import Plan, bounded, harmless
from tests.fuzz.memory import Memory
from tests.fuzz.values import ANYTHING, ENTRIES, made

_NEEDED: dict[str, dict[str, Any]] = {
    "track": {"event": "Swap"},
    "identify": {"address": ADDRESS},
    "page": {},
    "detect": {"provider_name": "MetaMask", "rdns": "io.metamask"},
    "connect": {"address": ADDRESS, "chain_id": 1},
    "disconnect": {},
    "chain": {"address": ADDRESS, "chain_id": 1},
    "signature": {"address": ADDRESS, "chain_id": 1, "status": "confirmed"},
    "transaction": {"address": ADDRESS, "chain_id": 1, "status": "confirmed"},
}
_COMMON = ("address", "anonymous_id", "user_id", "properties", "context", "timestamp", "session_id", "message_id")

_memory = Memory()
_client = FormoAnalytics("key", transport=_memory, handle_signals=False)


@st.composite
def event_calls(draw: st.DrawFn) -> Plan:
    """Calls of the event methods: most of them right but for a few arguments, which are anything."""
    event_type = draw(st.sampled_from(sorted(EVENT_TYPES)))
    rule = EVENT_TYPES[event_type]
    own = () if event_type == "identify" else tuple(rule.reserved)
    fields = [*_COMMON, *own, *_NEEDED[event_type]]
    makers = {name: made(value) for name, value in _NEEDED[event_type].items()}
    for field in draw(st.lists(st.sampled_from(["properties", "context", *fields]), max_size=3)):
        makers[field] = draw(ENTRIES if field in {"properties", "context", "function_args"} else ANYTHING)
    fits = True
    if draw(st.integers(0, 15)) == 15:
        fits = False
        makers[draw(st.sampled_from(["adress", "kind", "reserved", "now", "chainId", "self"]))] = draw(ANYTHING)
    return Plan(event_type, makers, fits)


@settings(bounded, max_examples=3 * settings().max_examples)
@given(event_calls())
def test_an_event_is_refused_or_can_be_read(plan: Plan) -> None:
    """Whatever an event method is given, it raises an error of ours, or the event can be read from what was sent."""
    call, message_id = plan.call(), None
    with harmless(call) as outcome:
        message_id = getattr(_client, call.name)(**call.named)
    result = _client.flush(5)
    events = _memory.taken()
    assert result.ok, result
    if outcome.error is not None:
        assert events == []
    else:
        assert call.fits, f"{call!r} took an argument that it does not have"
        (event,) = events
        assert (event["type"], event["message_id"]) == (call.name, message_id)
        assert type(message_id) is str


@bounded
@given(event_calls())
def test_an_invalid_event_is_dropped_where_only_logged(plan: Plan) -> None:
    """Where invalid events are logged, nothing but a wrong argument name raises, and what is dropped is counted."""
    call = plan.call()
    with harmless(call) as outcome:
        message_id = getattr(_logging_client, call.name)(**call.named)
    result = _logging_client.flush(5)
    events = _memory.taken()
    if outcome.error is not None:
        assert isinstance(outcome.error, TypeError), f"{call!r} raised {outcome.error!r}"
        assert not call.fits
    else:
        assert len(events) + result.invalid == 1
        assert (message_id != "") == bool(events)


_logging_client = FormoAnalytics("key", transport=_memory, handle_signals=False, on_invalid="log")


@bounded
@given(event_calls(), st.sampled_from(["a", "b", "\ud800"]))
def test_derived_ids_can_be_read(plan: Plan, key: str) -> None:
    """Under an idempotency key too, an event is refused or can be read."""
    call = plan.call()
    with _client.invocation(idempotency_key=key, timeout=5), harmless(call) as outcome:
        getattr(_client, call.name)(**call.named)
    assert len(_memory.taken()) == (outcome.error is None)
