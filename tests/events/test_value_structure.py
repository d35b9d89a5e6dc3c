"""Containers: keys, depth, cycles, sizes, objects that fight back, and the caller's own data afterwards."""

from __future__ import annotations

import collections
import dataclasses
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from formo_lambda.events.values import MAX_DEPTH
from tests.events.building import built, built_bytes, refusal, tracked


def nested(levels: int, wrap: Any = lambda inner: {"d": inner}) -> Any:
    """Return a dict with `levels` containers below it."""
    value: Any = {"leaf": 1}
    for _ in range(levels):
        value = wrap(value)
    return value


class View(Mapping[str, Any]):
    """A mapping that is not a dict."""

    def __init__(self, members: dict[str, Any]) -> None:
        self._members = members

    def __getitem__(self, key: str) -> Any:
        return self._members[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


class BrokenView(View):
    """A mapping whose items cannot be read."""

    def items(self) -> Any:
        """Raise."""
        raise ConnectionError("postgres://user:secret@host")


class Masked:
    """An object that raises when asked for its class."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError


class Loud(str):
    """A string that raises when it is used as one."""

    __slots__ = ()

    def _raise(self, *_: object) -> Any:
        raise RuntimeError

    __str__ = __repr__ = __len__ = __iter__ = _raise  # pyright: ignore[reportAssignmentType] # on purpose


class TestKeys:
    """Keys become strings as the json module would make them."""

    def test_scalars(self) -> None:
        """Numbers, booleans and None are written as JSON writes them."""
        keys = {1: "a", 1.5: "b", False: "c", None: "d", float("inf"): "e", 2**80: "f", Loud("g"): "g"}
        sent = {"1": "a", "1.5": "b", "false": "c", "null": "d", "Infinity": "e", str(2**80): "f", "g": "g"}
        assert tracked({"v": keys}) == {"v": sent}
        assert tracked(keys) == sent

    @pytest.mark.parametrize("make_key", [tuple, bytes, frozenset, object, Masked])
    def test_others_are_refused(self, make_key: Any) -> None:
        """Any other key is refused, and the path leads to the mapping it is in."""
        refused = refusal("track", event="Swap", properties={"first": 1, "v": [{"ok": 1, make_key(): 2}]})
        assert refused.field == "properties.v[0]"
        assert refused.reason == "has a key that is neither a string nor a number, a boolean or None"

    def test_collisions_are_refused(self) -> None:
        """Two keys that would be one in JSON are refused: one value would be lost in silence."""
        refused = refusal("track", event="Swap", properties={"v": {1: "a", "1": "b"}})
        assert (refused.field, refused.reason) == ("properties.v", "has two keys that are the same in JSON")

    def test_odd_keys_are_escaped_and_cut_in_paths(self) -> None:
        """A key that is no plain name appears in a path escaped, and not at full length."""
        for key, step in {
            "a b\n": r'["a b\n"]',
            "\u00e9": r'["\u00e9"]',
            "k" * 99: f'["{"k" * 40}"]',
            "": '[""]',
        }.items():
            assert refusal("track", event="Swap", properties={key: object()}).field == f"properties{step}"


class TestDepth:
    """Nesting has a limit, and the stack of the interpreter is never the one to set it."""

    @pytest.mark.parametrize(
        "wrap",
        [lambda inner: {"d": inner}, lambda inner: [inner], lambda inner: (inner,), lambda inner: View({"d": inner})],
        ids=["dict", "list", "tuple", "mapping"],
    )
    def test_the_limit(self, wrap: Any) -> None:
        """The deepest nesting allowed, 200 levels, is sent; one level more is refused."""
        assert MAX_DEPTH == 200
        assert tracked({"v": nested(MAX_DEPTH - 1, wrap)})
        refused = refusal("track", event="Swap", properties={"v": nested(MAX_DEPTH, wrap)})
        assert refused.reason == f"is nested more than {MAX_DEPTH} levels deep"
        assert refused.field.startswith("properties.v")
        assert len(refused.field) < 100

    @pytest.mark.parametrize("levels", [500, 5_000, 100_000])
    def test_far_beyond(self, levels: int) -> None:
        """However deep it is, the answer is the same refusal."""
        value = nested(levels)
        assert refusal("track", event="Swap", properties=value).reason.startswith("is nested")
        while value:  # taken apart by hand, since some interpreters free such a chain by recursion
            value = value.pop("d", None)

    def test_little_stack_left(self) -> None:
        """Where the caller has used up the stack, a deep value is refused, not a RecursionError."""
        seen: list[str] = []

        def descend(frames: int) -> None:
            if frames:
                descend(frames - 1)
            else:
                seen.append(refusal_reason())

        def refusal_reason() -> str:
            try:
                built_bytes("page", properties={"v": nested(MAX_DEPTH - 1)})
            except ValueError as error:
                return str(error)
            return "sent"

        used = len(_frames())
        descend(sys.getrecursionlimit() - used - 120)
        assert seen == ["Invalid properties: is nested too deeply for the call stack that is left"]


def _frames() -> list[object]:
    frame: Any = sys._getframe()
    frames = []
    while frame:
        frames.append(frame)
        frame = frame.f_back
    return frames


class TestCycles:
    """A container that holds itself is refused where the circle closes."""

    def test_dict(self) -> None:
        """A dict in itself."""
        loop: dict[str, Any] = {"name": "loop"}
        loop["self"] = loop
        refused = refusal("track", event="Swap", properties={"c": loop})
        assert (refused.field, refused.reason) == ("properties.c.self", "refers back to a container it is in")

    def test_properties_themselves(self) -> None:
        """The properties in themselves."""
        loop: dict[str, Any] = {}
        loop["a"] = [1, loop]
        assert refusal("track", event="Swap", properties=loop).field == "properties.a[1]"

    def test_list(self) -> None:
        """A list in itself."""
        loop: list[Any] = [0]
        loop.append(loop)
        assert refusal("track", event="Swap", properties={"c": loop}).field == "properties.c[1]"

    @pytest.mark.parametrize("kind", [collections.OrderedDict, collections.UserDict])
    def test_mapping(self, kind: Any) -> None:
        """A mapping of another type in itself."""
        loop = kind(a=1)
        loop["self"] = loop
        assert refusal("track", event="Swap", properties={"c": loop}).field == "properties.c.self"

    def test_dataclass(self) -> None:
        """A dataclass in itself."""
        node = dataclasses.make_dataclass("Node", [("next", object)])(None)
        node.next = node
        assert refusal("track", event="Swap", properties={"c": node}).field == "properties.c.next"

    def test_sharing_is_no_cycle(self) -> None:
        """A container that appears twice side by side is sent twice."""
        shared = {"a": [1]}
        assert tracked({"x": shared, "y": [shared, shared]}) == {"x": shared, "y": [shared, shared]}


class TestSize:
    """What cannot fit into an event is refused before it costs memory or time."""

    def test_shared_parts_that_explode(self) -> None:
        """A few small lists that stand for ten thousand million values end in a refusal at once."""
        value: list[Any] = ["x"]
        for _ in range(10):
            value = [value] * 10
        refused = refusal("track", event="Swap", properties={"v": value})
        assert refused.field.startswith("properties.v[")
        assert refused.reason == "is too large: an event may have 490000 bytes"

    def test_a_string_shared_many_times(self) -> None:
        """One long string in many places counts as often as it appears."""
        refused = refusal("track", event="Swap", properties={"v": [["x" * 100_000]] * 1_000})
        # It is refused on the way, not after all of it was written.
        assert (refused.field, refused.reason) == ("properties.v[4]", "is too large: an event may have 490000 bytes")

    def test_a_string_in_one_list_many_times(self) -> None:
        """Also where they all are in one list, or are the keys of dicts."""
        for value in (["x" * 100_000] * 100_000, [{"x" * 100_000: 1}] * 100_000):
            assert "is too large" in refusal("track", event="Swap", properties={"v": value}).reason

    def test_a_long_range_is_not_counted_out(self) -> None:
        """A collection that only knows its length is refused by it."""
        assert "too many elements" in refusal("track", event="Swap", properties={"v": range(10**12)}).reason


class TestHostileObjects:
    """Whatever a value's own code does, the caller sees a ValidationError."""

    def test_a_mapping_that_raises(self) -> None:
        """A mapping that cannot be read is refused by its path and type, and the cause is kept."""
        refused = refusal("track", event="Swap", properties={"v": BrokenView({"a": 1})})
        assert (refused.field, refused.reason) == (
            "properties.v",
            "could not be read: its type, BrokenView, raised ConnectionError",
        )
        assert isinstance(refused.__cause__, ConnectionError)

    def test_properties_that_raise(self) -> None:
        """The properties and the context may be such a mapping too."""
        for field in ("properties", "context"):
            refused = refusal("page", **{field: BrokenView({"a": 1})})
            assert (refused.field, refused.reason) == (
                field,
                "could not be read: its type, BrokenView, raised ConnectionError",
            )

    @pytest.mark.parametrize("field", ["address", "anonymous_id", "user_id", "session_id", "message_id", "timestamp"])
    @pytest.mark.parametrize("make_value", [Masked, lambda: BrokenView({})], ids=["masked", "broken"])
    def test_in_every_argument(self, field: str, make_value: Any) -> None:
        """In every other argument such an object is refused by that argument's own rule."""
        assert refusal("page", **{field: make_value()}).field == field

    @pytest.mark.parametrize("field", ["properties", "context"])
    def test_an_object_without_a_class(self, field: str) -> None:
        """An object that raises when asked for its class is no mapping, and no value."""
        assert refusal("page", **{field: Masked()}).reason == "must be an object if provided"
        assert refusal("page", **{field: {"v": Masked()}}).field == f"{field}.v"

    def test_a_string_that_raises(self) -> None:
        """A string subclass is taken for its characters, as a value, a key and an argument."""
        event = built("track", event=Loud("Swap"), user_id=Loud("u"), properties={Loud("k"): Loud("v")})
        assert (event["event"], event["user_id"], event["properties"]) == ("Swap", "u", {"k": "v"})

    def test_interrupts_pass_through(self) -> None:
        """An interrupt that arrives meanwhile is not taken for a fault of the value."""

        class Interrupted(View):
            def items(self) -> Any:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            tracked({"v": Interrupted({})})

    def test_changes_by_another_thread(self) -> None:
        """A dict and a list that another thread changes meanwhile are sent in some state they had."""
        shared: dict[str, Any] = {"list": list(range(50))}
        stop = threading.Event()

        def churn() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                shared[f"k{number % 50}"] = number
                shared.pop(f"k{(number + 25) % 50}", None)
                shared["list"].append(shared["list"].pop(0))

        thread = threading.Thread(target=churn)
        thread.start()
        try:
            for _ in range(300):
                assert tracked(shared)["list"]
        finally:
            stop.set()
            thread.join()


class TestSurrogates:
    """Half characters, which UTF-8 cannot hold, are escaped as JSON allows."""

    def test_everywhere(self) -> None:
        """In names, ids, keys and values a lone surrogate goes out as its escape."""
        data = built_bytes(
            "track", event="\ud83e", user_id="\udc00", session_id="\ud800", properties={"\ud801": ["\udc01"]}
        )
        assert data.isascii()
        for escape in (rb"\ud83e", rb"\udc00", rb"\ud800", rb"\ud801", rb"\udc01"):
            assert data.count(escape) == 1
