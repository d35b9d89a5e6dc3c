"""Values of libraries that this package knows by their shape alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.events.building import tracked


def test_attrs() -> None:
    """An instance of an attrs class becomes an object of its fields."""
    attrs = pytest.importorskip("attrs")
    order = attrs.make_class("Order", ["amount", "pair"])
    assert tracked({"v": order(Decimal("0.5"), ("ETH", "USDC"))}) == {"v": {"amount": 0.5, "pair": ["ETH", "USDC"]}}


def test_pydantic() -> None:
    """A pydantic model becomes an object of its fields, whose values are converted like any others."""
    pydantic = pytest.importorskip("pydantic")
    leg = pydantic.create_model("Leg", amount=(Decimal, ...))
    order = pydantic.create_model("Order", leg=(leg, ...), raw=(bytes, b"\x01"))
    assert tracked({"v": order(leg=leg(amount="0.5"))}) == {"v": {"leg": {"amount": 0.5}, "raw": "0x01"}}


class OldModel:
    """The shape of a model of pydantic 1."""

    __fields__: dict[str, object] = {}  # noqa: RUF012 -- as there
    __validators__: dict[str, object] = {}  # noqa: RUF012 -- as there

    def dict(self) -> dict[str, object]:
        """Return the fields, under the name that version had for it."""
        return {"amount": Decimal("0.5")}


def test_old_pydantic() -> None:
    """A model of pydantic 1 becomes an object too."""
    assert tracked({"v": OldModel()}) == {"v": {"amount": 0.5}}


class Tensor:
    """What numpy's arrays and their imitations have in common."""

    dtype = "float32"

    def __init__(self, content: object) -> None:
        self.content = content

    def tolist(self) -> Any:
        """Return plain values."""
        return self.content


def test_arrays_by_shape() -> None:
    """Whatever has a dtype and a tolist() becomes its plain values."""
    assert tracked({"v": Tensor([[1.5], [float("nan")]]), "w": Tensor(2**60)}) == {
        "v": [[1.5], [None]],
        "w": str(2**60),
    }


class TestNumpy:
    """The real numpy."""

    @pytest.fixture
    def numpy(self) -> Any:
        """Return the module, where it is installed."""
        return pytest.importorskip("numpy")

    def test_scalars(self, numpy: Any) -> None:
        """Scalars become the Python scalars they stand for."""
        scalars = {
            "a": numpy.int64(5),
            "b": numpy.float32(0.5),
            "c": numpy.float64(0.1),
            "d": numpy.bool_(True),  # noqa: FBT003 -- it takes nothing else
            "e": numpy.str_("x"),
            "f": numpy.uint64(2**63),
            "g": numpy.float64("nan"),
            "h": numpy.longdouble("0.5"),
        }
        plain = {"a": 5, "b": 0.5, "c": 0.1, "d": True, "e": "x", "f": str(2**63), "g": None, "h": 0.5}
        assert tracked(scalars) == plain

    def test_moments(self, numpy: Any) -> None:
        """Dates and durations are not mistaken for the integers inside them, whatever their unit."""
        moments = {"a": numpy.datetime64("2026-01-02T03:04:05", "ns"), "b": numpy.timedelta64(1500, "ms")}
        assert tracked(moments) == {"a": "2026-01-02T03:04:05.000Z", "b": 1.5}

    def test_arrays(self, numpy: Any) -> None:
        """Arrays become lists."""
        assert tracked({"v": numpy.array([[1, 2], [3, 4]])}) == {"v": [[1, 2], [3, 4]]}

    def test_amounts(self, numpy: Any) -> None:
        """A scalar is an amount, unless it is a boolean."""
        assert tracked({"revenue": numpy.int64(5)})["revenue"] == 5

    def test_a_huge_array_is_refused_before_it_is_opened(self, numpy: Any) -> None:
        """An array that cannot fit into an event is not turned into a list first."""
        with pytest.raises(ValueError, match=r"Invalid properties\.v: has too many elements"):
            tracked({"v": numpy.broadcast_to(numpy.int8(0), (1000, 1000))})
