"""The folder of the server: configs in it and below it may be read, and no other file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from archlab.config.syntax.files import read_source
from archlab.config.tree.document import is_identifier
from archlab.config.tree.targets import Opened, open_target, open_text
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Source, printable
from archlab.diagnostics.problem import single_problem

SUFFIXES = (".yaml", ".yml")
TEXT = "<text>"
"""What problems call a config that is given as text."""
_PRESET = re.compile(r"[A-Za-z0-9_]{1,200}(@[A-Za-z0-9_]{1,200})?")


class Given(NamedTuple):
    """A config that a call names.

    Attributes:
        target: what results and problems call it.
        source: its text; None of a preset.
        variant: of the text; empty for none.
    """

    target: str
    source: Source | None
    variant: str

    def opened(self) -> Opened:
        """Its document.

        Raises:
            ConfigError: if it is none.
        """
        if self.source is None:
            return open_target(self.target)
        return open_text(self.source, "config" if self.target == TEXT else Path(self.target).stem, self.variant)


class Folder:
    """Where configs are.

    Attributes:
        root: the folder, links followed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def given(self, arguments: dict[str, Any]) -> Given:
        """The config of a call: `config` (a path or a preset) or `text`, and `variant`.

        Raises:
            ConfigError: if it is both or neither, lies outside of the folder, or cannot be read.
        """
        name, text, variant = arguments.get("config"), arguments.get("text"), arguments.get("variant", "")
        if (name is None) == (text is None):
            raise single_problem("give either 'config', a path or a preset, or 'text', a config in YAML", Code.MISSING)
        if text is not None:
            return Given(TEXT, Source(TEXT, text, self.root), variant)
        assert isinstance(name, str)
        if _PRESET.fullmatch(name):
            return Given(f"{name}@{variant}" if variant else name, None, "")
        path, at, own = name.rpartition("@")
        if not at or not is_identifier(own):
            path, own = name, ""
        return Given(path, read_source(self._inside(path), shown_as=path), variant or own)

    def _inside(self, name: str) -> Path:
        """The file of a config.

        Raises:
            ConfigError: if it is no config's, or outside of the folder.
        """
        shown = printable(name[:200])
        if not name.endswith(SUFFIXES):
            raise single_problem(
                f"'{shown}' is no config; give a .yaml file, the name of a preset, or 'text'. The command line writes "
                "models of other kinds as configs: archlab import TARGET -o net.yaml",
                Code.UNREADABLE,
            )
        try:
            path = (self.root / name).resolve()
        except (OSError, ValueError, RuntimeError):  # a NUL character, or links in a circle
            raise single_problem(f"'{shown}' is not a usable path", Code.UNREADABLE) from None
        if not path.is_relative_to(self.root) or path.suffix not in SUFFIXES:
            raise single_problem(
                f"'{shown}' is outside of the folder that this server reads; give the path of a .yaml file below it",
                Code.UNREADABLE,
            )
        return path
