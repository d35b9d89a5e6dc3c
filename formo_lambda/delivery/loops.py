"""The event loop that the running code is in: it is never blocked, and has a way of its own to be woken."""

from __future__ import annotations

import sys
from typing import Any


def running_loop() -> Any:
    """Return the running event loop: asyncio's (or one built on it), trio's token, or None.

    No loop is imported: where its module is not loaded, none of it runs.
    """
    # With a default: another thread may be loading the module at this moment.
    trio_token = getattr(sys.modules.get("trio.lowlevel"), "current_trio_token", None)
    if trio_token is not None:
        try:
            return trio_token()
        except RuntimeError:  # this thread runs none
            pass
    # As get_running_loop(), but it raises nothing; asyncio documents it.
    running = getattr(sys.modules.get("asyncio.events"), "_get_running_loop", None)
    return None if running is None else running()


class LoopLatch:
    """Lets a task of the running event loop wait until any thread calls it. A call before the wait counts.

    Args:
        loop: What `running_loop` returned.
    """

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._is_trio = not hasattr(loop, "call_soon_threadsafe")
        self._module: Any = sys.modules["trio" if self._is_trio else "asyncio"]
        self._event = self._module.Event()
        self._call = loop.run_sync_soon if self._is_trio else loop.call_soon_threadsafe

    def __call__(self) -> None:
        """End the wait, or the next one."""
        try:
            self._call(self._set)
        except RuntimeError:  # the loop has ended: nobody waits
            pass

    def _set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Wait for a call, at most so many seconds; a cancellation ends the wait."""
        if self._is_trio:
            with self._module.move_on_after(seconds):
                await self._event.wait()
        else:
            timer = self._loop.call_later(seconds, self._event.set)
            try:
                await self._event.wait()
            finally:
                timer.cancel()
        self._event = self._module.Event()
