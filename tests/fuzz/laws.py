"""What holds for every call, whatever it is given: our own error or events that can be read, and nothing changed."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import HealthCheck, Phase, settings

from formo_lambda import ConfigurationError, ValidationError
from tests.fuzz.portrait import described, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fuzz.values import Maker


#: For every test here. Not shrunk: a failure tells its call in one line, and to shrink a value that takes half a second
#: takes minutes. How long it takes to draw says nothing on a loaded machine.
bounded = settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Call(NamedTuple):
    """One call to make.

    Attributes:
        name: What is called.
        named: Its arguments.
        fits: Whether it has the arguments' names right; otherwise a TypeError is what it deserves.
    """

    name: str
    named: dict[str, Any]
    fits: bool = True

    def __repr__(self) -> str:
        # Not the arguments' own, which may raise, or take an hour.
        return f"{self.name}({', '.join(f'{name}={described(value)}' for name, value in self.named.items())})"


class Plan(NamedTuple):
    """A call whose arguments are still to be made."""

    name: str
    makers: dict[str, Maker]
    fits: bool = True

    def call(self) -> Call:
        """Return the call, with arguments of its own."""
        return Call(self.name, {name: make() for name, make in self.makers.items()}, self.fits)

    def __repr__(self) -> str:
        return repr(self.call())


class Outcome:
    """What became of a call.

    Attributes:
        error: The error of ours that it raised, if it did.
    """

    error: Exception | None = None


@contextmanager
def harmless(call: Call, *others: object) -> Iterator[Outcome]:
    """Make the call in the block: only our own errors end it, and its arguments stay as they were.

    Args:
        call: The call.
        others: Further objects that must stay as they are.

    Raises:
        AssertionError: It did something else; the message tells the call.
    """
    outcome = Outcome()
    before = fingerprint([call.named, *others])
    with _log_of_the_library() as said:
        try:
            yield outcome
        except (ValidationError, ConfigurationError) as error:
            outcome.error = error
            # It will be logged, as text.
            str(error).encode("utf-8")
        except TypeError as error:
            if call.fits:
                raise AssertionError(f"{call!r} raised TypeError") from error
            outcome.error = error
        except Exception as error:
            raise AssertionError(f"{call!r} raised {type(error).__name__}") from error
    assert fingerprint([call.named, *others]) == before, f"{call!r} changed its arguments"
    assert not said, f"{call!r} made the library say: {said}"


class _Ear(logging.Handler):
    """Hears what the library says of itself, and whether every line can be written."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        text.encode("utf-8")
        if "fault of the library" in text:
            self.faults.append(f"{text}: {described(record.exc_info)}")


@contextmanager
def _log_of_the_library() -> Iterator[list[str]]:
    logger = logging.getLogger("formo_lambda")
    ear = _Ear()
    logger.addHandler(ear)
    try:
        yield ear.faults
    finally:
        logger.removeHandler(ear)
