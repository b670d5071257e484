"""Standard streams that are closed (`>&-`), which Python has as None."""

from __future__ import annotations

import errno
import os
import sys
from io import TextIOBase

STDERR = 2
"""The last of the standard streams' numbers."""


class ClosedStdout(TextIOBase):
    """In place of a closed stdout: nothing can be written to it, and says so only when something is."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        """Refuse a text."""
        if text:
            raise OSError(errno.EBADF, "stdout is closed")
        return 0

    def fileno(self) -> int:
        """Its usual number."""
        return 1


def fill_closed_streams() -> None:
    """Put something in the place of closed streams, lest the next file that is opened become stdout or stderr."""
    number = os.open(os.devnull, os.O_RDWR)
    while number <= STDERR:
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)
    if sys.stdout is None:
        sys.stdout = ClosedStdout()
    if sys.stderr is None:
        sys.stderr = os.fdopen(STDERR, "w")  # now the null device
