"""What a command has read, so that no result is written over it; and stdin as a target."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

STDIN = "-"
STDIN_NAMES = (STDIN, "/dev/stdin")
"""Targets that are read from stdin."""

_Read = dict[tuple[int, int], str]
"""Files by device and number, so that links to one are the same file; each as it was named."""

_read: ContextVar[_Read | None] = ContextVar("read", default=None)
_stdin: ContextVar[dict[int, bytes] | None] = ContextVar("stdin", default=None)
"""What stood on stdin, by the most that was asked for: several networks may be made of it."""


@contextmanager
def remembered_inputs() -> Iterator[None]:
    """Remember what is read from here on."""
    read, stdin = _read.set({}), _stdin.set({})
    try:
        yield
    finally:
        _read.reset(read)
        _stdin.reset(stdin)


def remember(path: Path) -> None:
    """Take down a file that has been read."""
    read = _read.get()
    if read is not None:
        status = path.stat()
        read.setdefault((status.st_dev, status.st_ino), str(path))


def input_at(path: Path) -> str | None:
    """The input that a path leads to, as it was named; None if it leads to none."""
    read = _read.get()
    try:
        status = path.stat()
    except OSError:
        return None
    return None if read is None else read.get((status.st_dev, status.st_ino))


def read_stdin(most: int) -> bytes:
    """What stands on stdin, or the first `most` bytes of it.

    Raises:
        OSError: if there is no stdin.
    """
    if sys.stdin is None:
        raise OSError(0, "stdin is closed")
    known = _stdin.get()
    if known is None:
        return sys.stdin.buffer.read(most)
    if most not in known:
        known[most] = sys.stdin.buffer.read(most)
    return known[most]
