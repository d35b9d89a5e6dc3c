"""The constructor, given anything."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from formo_lambda import FormoAnalytics
from tests.fuzz.laws import Plan, bounded, harmless
from tests.fuzz.memory import Memory
from tests.fuzz.values import ANYTHING, OPTIONS, Maker, made

_OPTIONS = (
    "write_key", "api_host", "flush_at", "flush_interval", "max_queue_size", "retry_count", "flush_timeout",
    "request_timeout", "max_pending_size", "enabled", "on_undelivered", "on_invalid", "transport", "json_default",
)  # fmt: skip


@st.composite
def option_plans(draw: st.DrawFn) -> Plan:
    """Calls of the constructor, right but for a few options."""
    # True would have this process handle SIGTERM.
    makers = {"write_key": made("key"), "handle_signals": made(value=False)}
    for option in draw(st.lists(st.sampled_from(_OPTIONS), max_size=2)):
        makers[option] = draw(OPTIONS)
    if draw(st.integers(0, 7)) == 7:
        makers["handle_signals"] = draw(OPTIONS.filter(lambda make: make() is not True))
    return Plan("FormoAnalytics", makers)


@bounded
@given(option_plans())
def test_an_option_is_refused_or_makes_a_client(plan: Plan) -> None:
    """Whatever the constructor is given, it raises an error of ours, or there is a client that can be looked at."""
    call = plan.call()
    with harmless(call) as outcome:
        client = FormoAnalytics(**call.named)
        assert "FormoAnalytics" in repr(client)
        assert client.stats.tracked == 0
    assert outcome.error is None or type(outcome.error).__name__ == "ConfigurationError"


# Fewer, since each client's sender stays for some seconds.
@settings(bounded, max_examples=settings().max_examples // 4)
@given(option_plans(), ANYTHING)
def test_a_client_with_accepted_options_delivers(plan: Plan, value: Maker) -> None:
    """A client whose options were accepted sends events, or refuses them with an error of ours."""
    memory = Memory()
    call = plan.call()
    with harmless(call) as outcome:
        client = FormoAnalytics(**{**call.named, "transport": memory})
    if outcome.error is not None:
        return
    tracked = Plan("track", {"event": made("Swap"), "properties": lambda: {"value": value()}}).call()
    with harmless(tracked) as outcome:
        client.track(**tracked.named)
        client.flush(5)
    assert len(memory.taken()) == (outcome.error is None and client.stats.tracked)
