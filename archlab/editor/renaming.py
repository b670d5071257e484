"""Where a word of a config is defined and used, and the edits that give it another name."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from archlab.config.syntax.naming import name_fault
from archlab.config.syntax.yaml_nodes import Mapping, Scalar
from archlab.config.tree.document import BUILT_IN_NAMES, VARIANT_KEYS, is_identifier
from archlab.config.tree.items import ITEM_KEYS
from archlab.config.tree.presets import find_preset_file
from archlab.diagnostics.place import Place
from archlab.editor.snapshot import Snapshot
from archlab.editor.tree import tree_of, way_to
from archlab.editor.words import Word, Words


class RenameError(Exception):
    """The word cannot have that name, or not everywhere."""


def word_at(snapshot: Snapshot, line: int, column: int) -> Word | None:
    """The word at a position; None where there is none, or it is another file's."""
    root = tree_of(snapshot.source)
    return None if root is None else Words(root).at(line, column)


def base_at(snapshot: Snapshot, line: int, column: int) -> Path | None:
    """The file that `extends` names at a position."""
    root = tree_of(snapshot.source)
    way = [] if root is None else way_to(root, line, column)
    owner, key = way[-1] if way else (None, "")
    if not isinstance(owner, Mapping) or key != "extends":
        return None
    node = owner.entries["extends"]
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or snapshot.source.folder is None:
        return None
    name = node.value.partition("@")[0]
    path = snapshot.source.folder / name if re.search(r"\.ya?ml$", name) else find_preset_file(name)
    return path if path is not None and path.is_file() else None


def rename(snapshot: Snapshot, line: int, column: int, name: str) -> list[Place]:
    """The places that another name goes to.

    Raises:
        RenameError: where it cannot be, with the reason in plain words.
    """
    root = tree_of(snapshot.source)
    if root is None:
        raise RenameError("the text cannot be read; mend it first")
    words = Words(root)
    word = words.at(line, column)
    if word is None:
        raise RenameError("there is no block, param or name of this file here")
    if None in word.uses:
        raise RenameError(f"'{word.name}' is used where it cannot be changed in place; rename it by hand")
    fault = _fault(word, name)
    if fault is None and _structure(words) != _structure(_words_with(snapshot, word.places, name)):
        fault = f"'{name}' is something else already where '{word.name}' is used"
    if fault is not None:
        raise RenameError(fault)
    return word.places


def _structure(words: Words | None) -> list[tuple[str, int]]:
    """What no renaming may change: how often each word is used, in order."""
    return [] if words is None else [(word.kind, len(word.uses)) for word in words.found]


def _words_with(snapshot: Snapshot, places: list[Place], name: str) -> Words | None:
    """The words of the text with another name at some places."""
    text = renamed(snapshot.source.text, places, name)
    root = tree_of(replace(snapshot.source, text=text))
    return None if root is None else Words(root)


def renamed(text: str, places: list[Place], name: str) -> str:
    """A text with another name at some places, each on one line."""
    lines = text.split("\n")
    for place in sorted(places, key=lambda place: place[1:], reverse=True):
        line = lines[place.line]
        lines[place.line] = line[: place.column] + name + line[place.end_column :]
    return "\n".join(lines)


def _fault(word: Word, name: str) -> str | None:
    """Why a word of its kind cannot be called so."""
    if word.kind == "name":
        fault = name_fault(name)
        return None if fault is None else f"the name '{name}' {fault}"
    if not is_identifier(name):
        return f"'{name}' is not a name; use letters, digits and _, and begin with a letter"
    if word.kind == "param" and name in (*BUILT_IN_NAMES, *VARIANT_KEYS, *ITEM_KEYS):
        return f"'{name}' already has a meaning"
    return None
