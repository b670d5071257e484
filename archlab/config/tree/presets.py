"""The zoo: the configs shipped with archlab, found by name of file or variant."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parents[2]


@cache
def preset_folder() -> Path:
    """Where the presets are: inside the installed package, or beside it in a checkout."""
    installed = _PACKAGE / "configs"
    return installed if installed.is_dir() else _PACKAGE.parent / "configs"


def preset_files() -> list[Path]:
    """Every preset file, by name."""
    return sorted(preset_folder().glob("*.yaml"))


def find_preset_file(name: str) -> Path | None:
    """The file of a family, e.g. `resnet`."""
    if not re.fullmatch(r"[A-Za-z0-9_]{1,200}", name):  # what a file can be called
        return None
    path = preset_folder() / f"{name}.yaml"
    return path if path.is_file() else None


def files_mentioning(variant: str) -> list[Path]:
    """Preset files in which a line begins with `variant:`, which any file that has the variant must.

    Reading text is much faster than reading YAML; the caller makes sure.
    """
    line = re.compile(rf"^\s+{re.escape(variant)}\s*:", re.MULTILINE)
    return [path for path in preset_files() if line.search(path.read_text(encoding="utf-8"))]


def preset_names() -> list[str]:
    """Every family and variant, for hints and completion."""
    names: dict[str, None] = {}
    for path in preset_files():
        names[path.stem] = None
        names.update(dict.fromkeys(variants_in(path.read_text(encoding="utf-8"))))
    return list(names)


def variants_in(text: str) -> list[str]:
    """The variants of a preset, by its text."""
    section = re.search(r"^variants:[^\n]*\n((?:[ #].*\n|\n)*)", text, re.MULTILINE)
    return [] if section is None else re.findall(r"^  ([A-Za-z_][A-Za-z0-9_]*)\s*:", section[1], re.MULTILINE)
