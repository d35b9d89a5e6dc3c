"""What sends, waits and closes, given anything."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from formo_lambda import FlushResult, FormoAnalytics
from formo_lambda.transport.protocol import Response
from tests.fuzz.laws import Call, Plan, bounded, harmless
from tests.fuzz.memory import Memory
from tests.fuzz.strange import ERRORS
from tests.fuzz.values import ANYTHING, NUMBERS, OPTIONS, Maker, made

_memory = Memory()
_client = FormoAnalytics("key", transport=_memory, handle_signals=False, retry_count=0)


@bounded
@given(st.sampled_from(["flush", "aflush", "close", "aclose"]), OPTIONS)
def test_a_timeout_is_refused_or_waited_for(name: str, timeout: Maker) -> None:
    """Whatever a flush is given for its timeout, it raises an error of ours or returns what became of the events."""
    call = Plan(name, {"timeout": timeout}).call()
    _client.track("Swap")
    with harmless(call):
        result = getattr(_client, name)(**call.named)
        if name.startswith("a"):
            result = asyncio.run(result)
        assert type(result) is FlushResult
    assert _client.flush(5).ok
    assert len(_memory.taken()) == 1


@st.composite
def answers(draw: st.DrawFn) -> Plan:
    """What a transport of the user's own may do: raise, or answer with anything."""
    does = draw(st.sampled_from(["raise", "return", "Response"]))
    if does == "raise":
        return Plan(does, {"error": draw(st.sampled_from(ERRORS).map(made))})
    if does == "return":
        return Plan(does, {"answer": draw(ANYTHING)})
    makers = {field: draw(ANYTHING) for field in ("headers", "body", "requests")}
    return Plan(does, {"status": draw(st.integers(200, 599).map(made) | NUMBERS.map(made) | ANYTHING), **makers})


def _answer(call: Call) -> Any:
    if call.name == "raise":
        raise call.named["error"]
    return Response(**call.named) if call.name == "Response" else call.named["answer"]


@bounded
@given(answers())
def test_an_answer_never_raises_and_loses_nothing(plan: Plan) -> None:
    """Whatever a transport of the user's own answers, a flush returns its result, and every event has its place."""
    call = plan.call()
    before = _client.stats
    _client.track("Swap")
    _memory.answer = lambda: _answer(call)
    try:
        with harmless(call) as outcome:
            result = _client.flush(5)
            assert type(result) is FlushResult
            assert repr(result)
    finally:
        _memory.answer = None
    assert outcome.error is None
    last = _client.flush(5)
    after = _client.stats
    assert last.ok, f"{call!r} was followed by {last!r}"
    assert after.tracked == before.tracked + 1
    assert after.sent + after.undelivered == before.sent + before.undelivered + 1, f"{call!r} led to {after!r}"
    _memory.taken()
