"""What a page begins with: the presets, and a text to start from."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from archlab.config.tree.presets import find_preset_file, preset_files, variants_in
from archlab.studio.forms import Preset, RequestError
from archlab.studio.positions import Row
from archlab.version import __version__
from archlab.zoo.template import BLANK, starter_config

_DESCRIPTION = re.compile(r"^description:[ ]*(.*(?:\n[ ]+\S.*)*)", re.MULTILINE)
"""Presets write it on one line, or on lines that go on."""


def hello() -> Row:
    """The version, and what there is to start from."""
    return {
        "version": __version__,
        "file": None,
        "text": None,
        "writable": False,
        "revision": None,
        "presets": [*presets()],
    }


@cache
def presets() -> tuple[Row, ...]:
    """Each family of the zoo, read as text: reading YAML would take seconds in a browser."""
    return tuple([_preset(path) for path in preset_files()])


def _preset(path: Path) -> Row:
    text = path.read_text(encoding="utf-8")
    told = _DESCRIPTION.search(text)
    summary = "" if told is None else " ".join(told[1].split()).strip("'")
    return {"name": path.stem, "summary": summary, "family": path.stem, "variants": variants_in(text)}


def preset(asked: Preset) -> Row:
    """The text of a preset, ready to be edited, its variants in it; or of one variant, whose values are its defaults.

    Raises:
        RequestError: if there is none.
        ConfigError: if it has no such variant.
    """
    if asked.name == BLANK:
        return {"text": starter_config("mynet", BLANK), "variant": ""}
    path = find_preset_file(asked.name)
    if path is None:
        raise RequestError(f"there is no preset '{asked.name}'")
    text = path.read_text(encoding="utf-8")
    if asked.variant and asked.variant not in variants_in(text):
        raise RequestError(f"{asked.name} has no variant '{asked.variant}'")
    return {"text": text, "variant": asked.variant}
