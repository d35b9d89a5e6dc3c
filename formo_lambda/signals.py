"""Tell what a signal handler raised into the running code from what that code raised itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def causes(error: BaseException | None, handled: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception, and what it was caused by.

    Args:
        error: The exception.
        handled: What the thread handled already when the call that raised it began: that is the host's business.
    """
    seen = {id(handled)}
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def raised_by_signal_handler(error: BaseException, handled: BaseException | None) -> bool:
    """Whether a handler of a signal raised an exception, or what it was caused by: then it passes as it is.

    Such a handler is given the very frame that it interrupts; no other function is given the frame that it runs on.

    Args:
        error: The exception.
        handled: What the thread handled already when the call that raised it began.
    """
    for cause in causes(error, handled):
        step = cause.__traceback__
        while step is not None and step.tb_next is not None:
            if is_given(step.tb_next.tb_frame, step.tb_frame):
                return True
            step = step.tb_next
    return False


def is_given(frame: FrameType, caller: FrameType) -> bool:
    """Whether the frame of its caller is among the arguments of a call."""
    code = frame.f_code
    several = bool(code.co_flags & 0x04)  # inspect.CO_VARARGS: *args
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + several]
    values = [frame.f_locals.get(name) for name in names]
    return any(value is caller or (type(value) is tuple and any(each is caller for each in value)) for value in values)
