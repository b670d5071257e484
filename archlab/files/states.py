"""The files that were looked for, with what they were then, and waiting until one of them is another.

A state is taken before its file is read, so that no change between the two is missed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

POLL = 0.2
"""Seconds between two looks."""
SETTLE = 0.05
"""Seconds for which files are left alone before they are read: editors write in several steps."""
GONE = 0.4
"""The same where a file is gone: editors and version control put another in its place."""
MOST_SETTLING = 40
"""Looks at files that do not come to rest, before they are read all the same."""


class State(NamedTuple):
    """What tells a file from what it was before.

    Attributes:
        device: that it is on.
        number: of its inode: another one where a file was put in its place.
        size: in bytes.
        modified: nanoseconds.
    """

    device: int
    number: int
    size: int
    modified: int


States = Mapping[Path, State | None]
"""By path; None where there is no file."""

_sought: ContextVar[dict[Path, State | None] | None] = ContextVar("sought", default=None)


@contextmanager
def sought_files() -> Iterator[States]:
    """The files that are looked for from here on, whether they are there or not."""
    found: dict[Path, State | None] = {}
    token = _sought.set(found)
    try:
        yield found
    finally:
        _sought.reset(token)


def seek(path: Path) -> None:
    """Take down a file that is about to be looked for."""
    sought = _sought.get()
    if sought is not None:
        sought.setdefault(path, state_of(path))


def state_of(path: Path) -> State | None:
    """What a file is now; None if there is none, or it cannot be asked."""
    try:
        status = os.stat(path)  # noqa: PTH116 - several times a second, for each file
    except (OSError, ValueError):
        return None
    return State(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def wait_for_change(states: States, at_each_look: Callable[[], None] = lambda: None) -> None:
    """Return when one of the files is another, and all of them are at rest.

    Args:
        states: of the files, as they are known.
        at_each_look: called as often as the files are looked at; what it raises ends the wait.
    """
    while True:
        while (now := states_now(states)) == states:
            time.sleep(POLL)
            at_each_look()
        if _at_rest(now) != states:
            return


def states_now(states: States) -> States:
    """What the same files are now."""
    return {path: state_of(path) for path in states}


def _at_rest(states: States) -> States:
    """The states once they stay the same; after a while whatever they are."""
    for _ in range(MOST_SETTLING):
        time.sleep(GONE if None in states.values() else SETTLE)
        before, states = states, states_now(states)
        if states == before:
            break
    return states
