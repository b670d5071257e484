"""A progress bar on stderr, if a person is watching it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager


def progress(steps: Iterable[int], what: str) -> Iterator[int]:
    """The steps, with a bar that goes away at the end; without one where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield from steps
        return
    from rich.console import Console
    from rich.progress import track

    total = len(steps) if isinstance(steps, Sized) else None
    yield from track(steps, description=what, total=total, console=Console(stderr=True), transient=True)


@contextmanager
def steps_of(what: str) -> Iterator[Callable[[int, int], None]]:
    """What is told how many steps of how many are done, and shows it as `progress` does."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
