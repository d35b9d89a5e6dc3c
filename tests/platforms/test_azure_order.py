"""The order of decorators on Azure Functions."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import MagicMock

import azure.functions as func
import pytest

from formo_lambda import formo_flush

if TYPE_CHECKING:
    from collections.abc import Callable


def test_above_the_decorators_of_azure_it_is_refused() -> None:
    """What Azure's decorators return cannot be decorated: the error says where to put the decorator."""
    app = func.FunctionApp()

    with pytest.raises(TypeError, match=r"directly above `def`: @app.route\(...\) first, @formo_flush last"):

        @formo_flush
        @app.route("swaps")
        def swaps(req: func.HttpRequest) -> func.HttpResponse:
            return func.HttpResponse()


def test_mock_is_not_taken_for_one() -> None:
    """A mock, which has every attribute that is asked for, can be decorated."""
    handler: Callable[[], int] = MagicMock(return_value=1)

    assert formo_flush(handler)() == 1
