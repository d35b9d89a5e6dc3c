"""Knows when the bytes of one HTTP response are complete, as far as its head tells."""

from __future__ import annotations

import re

# Whatever else stands there is the server's to refuse.
_LENGTH = re.compile("[0-9]{1,18}")


class Completion:
    """The bytes of a body that are still to come.

    Args:
        method: The method of the request.
    """

    def __init__(self, method: str) -> None:
        self._method = method
        #: None where only the end of the body tells.
        self._left: int | None = None
        #: Whether the response says that the application failed.
        self.failed = False

    def begin(self, status: int, content_length: str | None) -> bool:
        """Take the head in; return whether the response is complete with it.

        Args:
            status: The status of the response.
            content_length: The value of its header of that name, if it has one.
        """
        self.failed = status >= 500
        self._left = None
        if self._method == "HEAD" or status < 200 or status in (204, 304):
            self._left = 0
        elif content_length is not None and _LENGTH.fullmatch(content_length.strip()):
            self._left = int(content_length)
        return self._left == 0

    def take(self, size: int) -> bool:
        """Count bytes that are about to be sent; return whether the response becomes complete with them."""
        if self._left is None:
            return False
        before, self._left = self._left, max(0, self._left - size)
        return before > 0 and self._left == 0
