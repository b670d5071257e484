"""The configs in a folder: below it, of a bounded number, without what other programs keep there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from archlab.config.syntax.limits import MAX_CONFIGS, MAX_FOLDER_ENTRIES
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem

SUFFIXES = (".yaml", ".yml")
SKIPPED = ("node_modules", "site-packages", "__pycache__")
"""Folders of other programs; so are hidden ones and virtual environments."""
ENVIRONMENT = "pyvenv.cfg"
"""What a virtual environment has."""


def is_folder(target: str) -> bool:
    """Whether a target is a folder; no name is too long or too strange to ask."""
    try:
        return Path(target).is_dir()
    except (OSError, ValueError):
        return False


def configs_below(folder: str) -> list[str]:
    """The .yaml files below a folder, sorted. Links to folders are not followed.

    Raises:
        ConfigError: if there are none, or too many files to look at.
    """
    found: list[str] = []
    looked_at = 0
    for entries, here in _walk(folder):
        looked_at += entries
        if looked_at > MAX_FOLDER_ENTRIES:
            raise single_problem(
                f"the folder {folder} holds more than {MAX_FOLDER_ENTRIES:,} files; give the folder of the configs",
                Code.TOO_LARGE,
            )
        found += here
        if len(found) > MAX_CONFIGS:
            raise single_problem(
                f"the folder {folder} holds more than {MAX_CONFIGS:,} .yaml files; give the folders of the configs",
                Code.TOO_LARGE,
            )
    if not found:
        raise single_problem(f"there is no .yaml file in the folder {folder}", Code.UNREADABLE)
    return sorted(found)


def _walk(folder: str) -> Iterator[tuple[int, list[str]]]:
    """The number of entries of each folder, and its configs."""
    for path, folders, files in os.walk(folder):
        if ENVIRONMENT in files and path != folder:
            folders.clear()
            continue
        entries = len(folders) + len(files)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED)
        yield entries, [str(Path(path, name)) for name in files if Path(name).suffix in SUFFIXES]
