"""Values whose class itself, not only its instances, runs code of the caller's; and values that never end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.events.building import NOW, built, refusal

if TYPE_CHECKING:
    from collections.abc import ItemsView

ID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"


class Comparable(type):
    """A metaclass that compares classes, as those of some query builders do, and so takes their hash away."""

    def __eq__(cls, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


class Closed(type):
    """A metaclass whose classes answer nothing."""

    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError(name)


class Column(metaclass=Comparable):
    """Of a class that cannot be hashed."""


class Vault(metaclass=Closed):
    """Of a class that raises when asked for its name."""


class EndlessMapping(Mapping[str, int]):
    """Says that it is small, and never ends."""

    def __getitem__(self, key: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return itertools.repeat("a")

    def __len__(self) -> int:
        return 1

    def items(self) -> ItemsView[str, int]:
        """Return pairs without end."""
        return itertools.repeat(("a", 1))  # type: ignore[return-value]


class EndlessList(list[int]):
    """Says that it is small, and never ends."""

    def __iter__(self) -> Iterator[int]:
        return itertools.repeat(1)


class Forgetful(tzinfo):
    """Knows its offset for a while."""

    def __init__(self, times: int) -> None:
        self._left = times

    def utcoffset(self, moment: datetime | None) -> timedelta:
        """Return no offset, or raise."""
        self._left -= 1
        if self._left < 0:
            raise RuntimeError
        return timedelta(0)

    def dst(self, moment: datetime | None) -> None:
        """Return that it is not known."""

    def tzname(self, moment: datetime | None) -> None:
        """Return that there is none."""


class Named(str):
    """A string with a format of its own."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return '","x":"'


class Labelled(UUID):
    """A UUID whose text is no plain string."""

    def __str__(self) -> str:
        return Named(super().__str__())


def test_a_class_without_a_hash() -> None:
    """A value whose class cannot be hashed is refused by its field."""
    refused = refusal("track", event="Swap", properties={"v": [Column()]})
    assert (refused.field, refused.reason) == ("properties", "could not be read: a value's class raised TypeError")


def test_a_class_that_answers_nothing() -> None:
    """A value whose class raises when asked for its name is refused by its path, and named all the same."""
    refused = refusal("track", event="Swap", properties={"v": Vault()})
    assert (refused.field, refused.reason) == (
        "properties.v",
        "could not be read: its type, Vault, raised RuntimeError",
    )


def test_a_mapping_without_end() -> None:
    """A mapping that never ends is refused, as a value and as the properties themselves."""
    assert "too many elements" in refusal("page", properties={"v": EndlessMapping()}).reason
    assert "too many elements" in refusal("page", properties=EndlessMapping()).reason


def test_a_list_without_end() -> None:
    """A list that says it is short and never ends is refused."""
    assert "too many elements" in refusal("page", properties={"v": EndlessList([1])}).reason


def test_a_moment_that_answers_a_few_times() -> None:
    """A datetime that raises at some later question is sent as the moment it was, or refused as none."""
    for times in range(5):
        moment = datetime.fromtimestamp(NOW - 60, timezone.utc).replace(tzinfo=Forgetful(times))
        if times < 2:
            assert refusal("page", timestamp=moment).field == "timestamp"
        else:
            assert built("page", timestamp=moment)["original_timestamp"] == "2026-11-23T09:59:00.000Z"


def test_an_id_with_a_format_of_its_own() -> None:
    """An id is taken for its characters, even where it is a UUID whose text is of a further class."""
    assert built("page", anonymous_id=Labelled(ID))["anonymous_id"] == ID
