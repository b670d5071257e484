"""The texts that are open in an editor, and the last snapshot of each."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from archlab.editor.snapshot import Snapshot

_CONFIG = re.compile(r"^(archlab|layers|extends)\s*:", re.MULTILINE)


def is_config(text: str) -> bool:
    """Whether a YAML text looks like a config of archlab's: others are left alone."""
    return _CONFIG.search(text) is not None


@dataclass
class _Sheet:
    path: Path
    text: str
    variant: str = ""
    snapshot: Snapshot | None = None


class Desk:
    """What is open, by the name that the editor has for it."""

    def __init__(self) -> None:
        self._sheets: dict[str, _Sheet] = {}

    @property
    def names(self) -> list[str]:
        """Of all that is open."""
        return list(self._sheets)

    def put(self, name: str, path: Path, text: str) -> None:
        """A text was opened, or has changed."""
        sheet = self._sheets.setdefault(name, _Sheet(path, text))
        sheet.text, sheet.snapshot = text, None
        for other in self._sheets.values():
            if "extends" in other.text:
                other.snapshot = None

    def remove(self, name: str) -> None:
        """A text was closed: its file stands for it again."""
        self._sheets.pop(name, None)
        for other in self._sheets.values():
            if "extends" in other.text:
                other.snapshot = None

    def show(self, name: str, variant: str) -> None:
        """Choose the variant of which numbers are shown; the config's own network for an empty name."""
        if name in self._sheets:
            self._sheets[name].variant, self._sheets[name].snapshot = variant, None

    def others(self, name: str) -> list[str]:
        """The open texts that may depend on another one."""
        return [other for other, sheet in self._sheets.items() if other != name and "extends" in sheet.text]

    def text(self, name: str) -> str | None:
        """A text that is open."""
        return self._sheets[name].text if name in self._sheets else None

    def snapshot(self, name: str) -> Snapshot | None:
        """All that is known of a text as it is now; None of what is not open, or no config."""
        sheet = self._sheets.get(name)
        if sheet is None or not is_config(sheet.text):
            return None
        if sheet.snapshot is None:
            unsaved = {
                os.path.realpath(other.path): other.text for other in self._sheets.values() if other is not sheet
            }
            sheet.snapshot = Snapshot.of(sheet.path, sheet.text, sheet.variant, unsaved)
        return sheet.snapshot
