"""The public names are the documented ones."""

from __future__ import annotations

import sys

import formo_lambda
from formo_lambda import types
from formo_lambda.constants import VERSION

DOCUMENTED = [
    "ConfigurationError",
    "DeliveryError",
    "FlushResult",
    "FormoAnalytics",
    "FormoError",
    "Response",
    "Stats",
    "Transport",
    "ValidationError",
    "formo_flush",
    "request_context",
]


def test_all_is_the_documented_list() -> None:
    """`__all__` holds exactly the documented names, sorted."""
    assert formo_lambda.__all__ == DOCUMENTED


def test_no_other_public_name_is_reachable() -> None:
    """No public name other than those of `__all__` and the submodules can be found on the package."""
    public = {name for name in vars(formo_lambda) if not name.startswith("_")}
    # What Python itself puts there: the submodules that were imported, and a `from __future__ import annotations`.
    public -= {name for name in public if f"formo_lambda.{name}" in sys.modules} | {"annotations"}
    assert public == set(formo_lambda.__all__)


def test_star_import_gives_the_same_names() -> None:
    """`from formo_lambda import *` gives the documented names and nothing else."""
    namespace: dict[str, object] = {}
    exec("from formo_lambda import *", namespace)
    assert sorted(namespace.keys() - {"__builtins__"}) == DOCUMENTED


def test_errors_have_one_root() -> None:
    """Every exported exception is a FormoError, so that one `except` catches them all."""
    values = vars(formo_lambda).values()
    errors = [value for value in values if isinstance(value, type) and issubclass(value, Exception)]
    assert errors
    assert all(issubclass(error, formo_lambda.FormoError) for error in errors)


def test_the_version_can_be_asked_for() -> None:
    """`formo_lambda.__version__` is the version of the code."""
    assert formo_lambda.__version__ == VERSION


def test_every_public_name_is_documented() -> None:
    """Each name of `__all__`, and each class that is there for annotations, has a docstring."""
    things = {name: vars(formo_lambda)[name] for name in formo_lambda.__all__}
    things |= {name: getattr(formo_lambda, name) for name in ("FlushOptions", "Invocation", "Platform")}
    things |= {
        name: thing
        for name, thing in vars(types).items()
        if isinstance(thing, type) and thing.__module__ == types.__name__ and not name.startswith("_")
    }
    assert [name for name, thing in things.items() if isinstance(thing, type) and not thing.__doc__] == []
