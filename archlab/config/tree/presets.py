"""The zoo: the configs shipped with archlab, found by name of file or variant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
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


def files_mentioning(variant: str) -> Iterator[Path]:
    """Preset files in which a line begins with `variant:`, which any file that has the variant must.

    Reading text is much faster than reading YAML; the caller makes sure. A variant mostly begins as its family does:
    the files whose names share most letters with it come first, so that seldom more than one or two are read.
    """
    line = re.compile(rf"^\s+{re.escape(variant)}\s*:", re.MULTILINE)
    for path in sorted(preset_files(), key=lambda path: -_shared(variant, path.stem)):
        if line.search(path.read_text(encoding="utf-8")):
            yield path


def _shared(one: str, other: str) -> int:
    """Letters that both begin with."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))


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
