"""Functions that take an object, decorated above and below the framework's decorator.

The framework reads the annotation itself, and does not evaluate one that is a string.
"""

from typing import Any

import functions_framework

from formo_lambda import FormoAnalytics, formo_flush

analytics = FormoAnalytics()


class Order:
    """What the typed functions take and give."""

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.count = count

    @staticmethod
    def from_dict(data: dict[str, Any]) -> "Order":
        """Read it from JSON."""
        return Order(data["name"], data["count"])

    def to_dict(self) -> dict[str, Any]:
        """Write it as JSON."""
        return {"name": self.name, "count": self.count}


def track_swaps(order: Order) -> None:
    """Track as many swaps as the order says."""
    for number in range(order.count):
        analytics.track("Swap Completed", properties={"request": order.name, "number": number})


@formo_flush
@functions_framework.typed(Order)
def typed_above(order: Order) -> Order:
    """Take an object."""
    track_swaps(order)
    return order


@functions_framework.typed(Order)
@formo_flush
def typed_below(order: Order) -> Order:
    """Take an object."""
    track_swaps(order)
    return order
