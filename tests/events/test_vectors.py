"""The recorded cases of the official Node SDK: what it sends and refuses, and where we decided otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from formo_lambda.constants import LIBRARY_NAME, VERSION
from formo_lambda.events import build
from tests.events import decisions
from tests.events.building import NOW, built, id_maker, refusal
from tests.events.vectors import ADDRESSES, NAMES, cases, decoded, difference


def _arguments(case: dict[str, Any]) -> dict[str, Any]:
    return {NAMES.get(name) or name: value for name, value in decoded(case["args"]).items()}


def _expected(case: dict[str, Any]) -> dict[str, Any]:
    """Return the recorded event with this library's name in it, and without what is added when it is sent."""
    payload = {name: value for name, value in case["expect"]["payload"].items() if name != "sent_at"}
    return {**payload, "context": {**payload["context"], "library_name": LIBRARY_NAME, "library_version": VERSION}}


def _check_refused_alike(case: dict[str, Any]) -> None:
    error = case["expect"]["error"]
    refused = refusal(case["method"], **_arguments(case))
    assert (refused.field, refused.reason) == (NAMES.get(error["field"], error["field"]), error["reason"])


@pytest.mark.parametrize("case", cases("same"), ids=lambda case: case["id"])
def test_what_node_does_well_is_done_alike(case: dict[str, Any]) -> None:
    """The same arguments give the same event, or are refused for the same field with the same reason."""
    if case["expect"]["outcome"] == "sent":
        expected = _expected(case)
        expected["properties"] = decisions.SENT_OTHERWISE.get(case["id"], expected["properties"])
        assert difference(expected, built(case["method"], **_arguments(case))) is None
    else:
        _check_refused_alike(case)


@pytest.mark.parametrize("case", cases("decide"), ids=lambda case: case["id"])
def test_quirks_of_node_are_decided(case: dict[str, Any]) -> None:
    """Where Node has a quirk, the case ends as the table of decisions says."""
    name, method = case["id"], case["method"]
    if name in decisions.REFUSED_ALIKE:
        _check_refused_alike(case)
    elif name in decisions.SENT_ALIKE:
        assert difference(_expected(case), built(method, **_arguments(case))) is None
    elif name in decisions.SENT:
        arguments = _arguments(case)
        bare = {"event", "anonymous_id", "address"} & arguments.keys()
        plain = built(method, **{field: arguments[field] for field in bare})
        assert difference({**plain, **decisions.SENT[name]}, built(method, **arguments)) is None
    elif name in decisions.REFUSED:
        assert refusal(method, **_arguments(case)).field == decisions.REFUSED[name]
    else:
        assert name in decisions.WRONG_CALLS
        call: Any = build
        named = _arguments(case) if name.startswith("unknown_args") else {}
        positional = () if named else (decoded(case["args"]),)
        with pytest.raises(TypeError):
            call(method, *positional, now=NOW, new_id=id_maker(), **named)


def test_every_quirk_is_decided_once() -> None:
    """The table of decisions names each such case exactly once, and no other."""
    tables = [
        decisions.REFUSED_ALIKE,
        decisions.SENT_ALIKE,
        set(decisions.SENT),
        set(decisions.REFUSED),
        decisions.WRONG_CALLS,
    ]
    decided = sorted(name for table in tables for name in table)
    assert decided == sorted(case["id"] for case in cases("decide"))


@pytest.mark.parametrize("form", ["lower", "checksum"])
def test_recorded_addresses(form: str) -> None:
    """All recorded addresses get the checksum that Node gives them, from lower case and from the checksum itself."""
    for address in ADDRESSES:
        assert built("identify", address=address[form])["address"] == address["checksum"]
