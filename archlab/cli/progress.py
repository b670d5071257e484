"""A progress bar on stderr, if a person is watching it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sized


def progress(steps: Iterable[int], what: str) -> Iterator[int]:
    """The steps, with a bar that goes away at the end; without one where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield from steps
        return
    from rich.console import Console
    from rich.progress import track

    total = len(steps) if isinstance(steps, Sized) else None
    yield from track(steps, description=what, total=total, console=Console(stderr=True), transient=True)
