"""Keeps what is sent, without judging it, and reads it as strictly as any server could."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

from formo_lambda.transport.protocol import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Memory:
    """A transport that keeps bodies.

    Attributes:
        bodies: The bodies so far.
        answer: Asked for what `send` returns; None for an ordinary success.
    """

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.answer: Callable[[], Any] | None = None

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
        """Keep a body."""
        if self.answer is not None:
            answer: Response = self.answer()
            return answer
        self.bodies.append(body)
        return Response(200)

    def taken(self) -> list[dict[str, Any]]:
        """Return the events of all bodies so far, and forget these."""
        bodies, self.bodies = self.bodies, []
        return [event for body in bodies for event in strictly_read(body)]


def strictly_read(data: bytes) -> Any:
    """Return what the bytes say.

    Raises:
        AssertionError: They are not ASCII, no JSON, or say NaN, or a name twice.
    """
    assert data.isascii()
    try:
        decoded = json.loads(data, parse_constant=_no_constant, object_pairs_hook=_each_once)
    except ValueError as error:
        raise AssertionError(f"no JSON: {data[:200]!r}") from error
    # An independent reader, where the environment has it. It takes lone surrogates for an error, JSON does not.
    if importlib.util.find_spec("orjson") and not _has_lone_surrogates(decoded):
        import orjson

        assert orjson.loads(data) == decoded
    return decoded


def _no_constant(name: str) -> None:
    raise AssertionError(f"JSON has no {name}")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    assert len(members) == len(pairs), "a name twice in one object"
    return members


def _has_lone_surrogates(decoded: Any) -> bool:
    try:
        json.dumps(decoded, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
