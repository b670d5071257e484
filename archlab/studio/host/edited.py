"""The file that the page edits: read when the page asks, written when it is told to, never over what others wrote."""

from __future__ import annotations

import codecs
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from archlab.config.syntax.files import bounded_text, read_source
from archlab.files.output import replacing


class Read(NamedTuple):
    """A file as it was read.

    Attributes:
        text: each line ends with a line feed alone.
        revision: tells this content from any other.
    """

    text: str
    revision: str


class ChangedError(Exception):
    """The file is not what was read any more."""


class Edited:
    """One file.

    Attributes:
        path: of it, links followed when it was opened: a link that is turned later leads nowhere else.
        shown: how it is called.
    """

    def __init__(self, path: Path) -> None:
        self.shown = str(path)
        self.path = Path(path).resolve()
        self._lock = Lock()

    def read(self) -> Read:
        """The file as it is now.

        Raises:
            ConfigError: if it cannot be read, or is no text.
        """
        source = read_source(self.path, shown_as=self.shown)
        return Read(source.text.replace("\r\n", "\n").replace("\r", "\n"), _revision(self.path))

    def save(self, text: str, revision: str) -> str:
        """Write a text, whole or not at all, with the line ends that the file has.

        Args:
            text: each line ends with a line feed alone.
            revision: of the content that it takes the place of.

        Returns:
            The new revision.

        Raises:
            ChangedError: if the file has another content by now, or is gone.
            ConfigError: if the text is too long for a config.
            OSError: if it cannot be written.
        """
        bounded_text(text, self.shown)
        with self._lock:
            try:
                now = self.path.read_bytes()
            except OSError:
                raise ChangedError from None
            if sha256(now).hexdigest() != revision:
                raise ChangedError
            with replacing(self.path, over_inputs=True) as made:
                made.write_bytes(_like(now, text))
            return _revision(self.path)


def _revision(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _like(before: bytes, text: str) -> bytes:
    """A text in the form of what it takes the place of: its mark of the encoding and its line ends."""
    mark = codecs.BOM_UTF8 if before.startswith(codecs.BOM_UTF8) else b""
    is_windows = b"\r\n" in before and before.count(b"\r\n") == before.count(b"\n")
    return mark + text.replace("\n", "\r\n" if is_windows else "\n").encode(errors="replace")
