"""Texts that stand for files: what an editor shows and has not saved."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

Texts = Mapping[str, str]
"""By real path."""

_texts: ContextVar[Texts | None] = ContextVar("unsaved", default=None)


@contextmanager
def unsaved_texts(texts: Texts) -> Iterator[None]:
    """Read these texts instead of the files, from here on."""
    token = _texts.set(texts)
    try:
        yield
    finally:
        _texts.reset(token)


def unsaved_text(path: Path) -> str | None:
    """The text that stands for a file; None where the file itself does."""
    texts = _texts.get()
    return None if not texts else texts.get(os.path.realpath(path))
