"""The last arguments of a call, however they are given: those that a server calls a web application with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def last_arguments(args: Sequence[Any], kwargs: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    """Return the values of a call's last parameters; none where they are not all there.

    Args:
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        names: The names of the parameters, by which the last ones may be given.
    """
    named = [kwargs[name] for name in names if name in kwargs]
    positional = len(names) - len(named)
    if len(args) < positional or any(name in kwargs for name in names[:positional]):
        return []
    return [*args[len(args) - positional :], *named]


def replaced(
    args: Sequence[Any], kwargs: Mapping[str, Any], names: Sequence[str], values: Sequence[Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a call with other values for its last parameters, given in the same way.

    Args:
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        names: The names of the parameters.
        values: The other values.
    """
    named = {name: value for name, value in zip(names, values, strict=True) if name in kwargs}
    positional = len(names) - len(named)
    return [*args[: len(args) - positional], *values[:positional]], {**kwargs, **named}
