"""The threads and locks that go with the sockets in force: gevent or eventlet may have replaced all of them, or some.

Nothing of them is bound at import, because they may be replaced later. Where the sockets are those of a hub, whoever
waits has to let that hub run, and what would be a thread is one of its greenlets.
"""

from __future__ import annotations

import _thread
import importlib
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

from formo_lambda import forks

if TYPE_CHECKING:
    from collections.abc import Callable

#: What takes the place of `_thread`, by the library that the sockets are of.
_REPLACEMENTS = {"gevent": "gevent.thread", "eventlet": "eventlet.green.thread"}


def _module() -> Any:
    name = _REPLACEMENTS.get(socket.socket.__module__.partition(".")[0])
    return _thread if name is None else importlib.import_module(name)


def get_ident() -> int:
    """Return what tells the running thread, or greenlet, from all others."""
    return int(_module().get_ident())


def home() -> object:
    """Return what is the same where a socket that is opened here can be used, and a thread that starts here be woken.

    A socket or a greenlet of a hub's is of no use in another thread, nor is one from before the hub.
    """
    module = _module()
    if type(module.start_new_thread) is type(len):  # it is Python's own
        return None
    return module.start_new_thread, socket.socket, _thread.get_native_id()


class Latch:
    """Lets one thread wait until another calls it. A call before the wait counts; several count as one."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = _module().allocate_lock()
        self._lock.acquire()

    def __call__(self) -> None:
        """End the wait, or the next one."""
        try:
            self._lock.release()
        except RuntimeError:  # it was called already
            pass

    def wait(self, seconds: float) -> bool:
        """Wait for a call; return whether it came in time."""
        return bool(self._lock.acquire(timeout=max(0.0, seconds)))


def start_thread(target: Callable[[], object], name: str) -> bool:
    """Start a daemon thread; return False where none can be started, or none may be.

    That is: while the interpreter ends, under Pyodide, in a subinterpreter without daemon threads, out of threads, and
    before a server forks without Python's hooks: a thread that runs then leaves each child an interpreter that hangs.
    """
    if sys.is_finalizing() or forks.lie_ahead():
        return False
    module = _module()
    try:
        if module.start_new_thread is _thread.start_new_thread:
            _Thread(target=target, name=name, daemon=True).start()
        else:  # `threading` is Python's own, although sockets are not
            module.start_new_thread(target, ())
    except RuntimeError:
        return False
    return True


class _Thread(threading.Thread):
    """A thread that can end after gevent has replaced what identifies threads."""

    def _delete(self) -> None:
        try:
            super()._delete()  # type: ignore[misc] # not in the stubs
        except KeyError:
            pass
