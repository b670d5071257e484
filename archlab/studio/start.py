"""What a page begins with: the presets, and a text to start from."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from archlab.config.tree.presets import find_preset_file, preset_files, variants_in
from archlab.config.tree.targets import open_target
from archlab.studio.forms import Preset, RequestError
from archlab.studio.positions import Row
from archlab.version import __version__
from archlab.zoo.template import BLANK, starter_config

_DESCRIPTION = re.compile(r"^description:[ ]*(.*(?:\n[ ]+\S.*)*)", re.MULTILINE)
"""Presets write it on one line, or on lines that go on."""
_EXTENDED = re.compile(r"^(\s*extends: *)([A-Za-z0-9_]+)\.yaml((?:@\w+)?\b)", re.MULTILINE)
"""A preset that another one extends as a file beside it: where the text goes there is none, but it has a name."""


def hello() -> Row:
    """The version, and what there is to start from."""
    return {
        "version": __version__,
        "file": None,
        "text": None,
        "variant": "",
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
    """The text of a preset, ready to be edited, its variants in it, and the variant that was asked for.

    Raises:
        RequestError: if there is none.
    """
    if asked.name == BLANK:
        return {"text": starter_config("mynet", BLANK), "variant": ""}
    path = find_preset_file(asked.name)
    if path is None:
        raise RequestError(f"there is no preset '{asked.name}'")
    text = path.read_text(encoding="utf-8")
    if asked.variant and asked.variant not in variants_in(text):
        raise RequestError(f"{asked.name} has no variant '{asked.variant}'")
    return {"text": _EXTENDED.sub(r"\1\2\3", text), "variant": asked.variant}


def preset_called(name: str) -> Row:
    """The same of the name of a preset or of a variant.

    Raises:
        ConfigError: if there is neither.
    """
    document, variant, _ = open_target(name)
    family = Path(document.source.name).stem
    return preset(Preset(name=family, variant="" if variant is None else variant.name))
