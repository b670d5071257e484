"""Targets to documents: a YAML path, `path@variant`, a preset or variant, `-` for stdin."""

from __future__ import annotations

import os
from pathlib import Path

from archlab.config.syntax.files import bounded_text, read_source, read_stdin_source
from archlab.config.syntax.limits import MAX_YAML_NODES
from archlab.config.tree import presets
from archlab.config.tree.document import Document, Variant, is_identifier
from archlab.config.tree.loader import DocumentLoader, Presets
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError, Problems, TooManyProblemsError, single_problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed
from archlab.files.inputs import STDIN_NAMES

Opened = tuple[Document, Variant | None, Problems]
"""A document, the variant that was asked for, and the problems found so far."""

_PRESETS = Presets(presets.find_preset_file, presets.files_mentioning, presets.preset_names)


def read_document(source: Source, default_name: str, *, most: int = MAX_YAML_NODES) -> tuple[Document, Problems]:
    """A text as a document, with the problems found so far.

    Args:
        source: the text.
        default_name: of the network, where the text gives it none.
        most: values that the text may have.

    Raises:
        ConfigError: if there is no document to go on with.
    """
    problems = Problems()
    try:
        document = DocumentLoader(problems, _PRESETS, most).load(source, default_name)
    except TooManyProblemsError:
        document = None
    if document is None:
        raise ConfigError(problems.found)
    return document, problems


def open_text(source: Source, default_name: str, variant_name: str = "") -> Opened:
    """The document of a text that is no file, or not the file's yet, and its variant.

    Args:
        source: the text, the name it is shown under, and the folder that its `extends` may use.
        default_name: of the network, where the text gives it none.
        variant_name: of the variant; empty for none.

    Raises:
        ConfigError: if it is too large, no config, or has no such variant.
    """
    bounded_text(source.text, source.name)
    document, problems = read_document(source, default_name)
    return document, _variant(document, variant_name, problems) if variant_name else None, problems


def open_target(target: str | Path) -> Opened:
    """The document and variant that a target names.

    Raises:
        ConfigError: if there is no such target, or its text is not a config.
    """
    text = str(target)
    path_text, at, variant_name = text.rpartition("@")
    is_file = _is_yaml(path_text) or "/" not in path_text or path_text in STDIN_NAMES
    if not at or not (is_identifier(variant_name) and is_file):
        path_text, variant_name = text, ""
    if path_text in STDIN_NAMES:
        document, problems = read_document(read_stdin_source(), "stdin")
        return document, _variant(document, variant_name, problems) if variant_name else None, problems
    if _looks_like_path(path_text):
        path = Path(path_text)
        if not os.path.exists(path_text) and path.stem in presets.preset_names():  # noqa: PTH110 - never raises
            raise single_problem(
                f"there is no file {path_text}; the preset is called {path.stem} alone", Code.UNREADABLE
            )
        document, problems = read_document(read_source(path, shown_as=path_text), path.stem)
        return document, _variant(document, variant_name, problems) if variant_name else None, problems
    return _open_preset(path_text, variant_name)


_FILES = (".yaml", ".yml", ".cfg", ".py", ".json")
"""Endings of configs, and of those of other programs, which are told so."""


def _is_yaml(text: str) -> bool:
    return text.endswith((".yaml", ".yml"))


def _looks_like_path(text: str) -> bool:
    return text.endswith(_FILES) or "/" in text or "\\" in text or "\0" in text


_READ: dict[Path, tuple[Source, Document]] = {}
"""Presets as they were read last, of which a process opens some many times; documents never change."""


def read_preset(path: Path) -> tuple[Document, Problems]:
    """The document of a preset's file, which is read anew where its text is another, or that of others is part of it.

    Raises:
        ConfigError: if it cannot be read.
    """
    source = read_source(path, shown_as=f"configs/{path.name}")
    if path in _READ and _READ[path][0] == source:
        return _READ[path][1], Problems()
    document, problems = read_document(source, path.stem)
    if not problems.found and "extends" not in source.text:
        _READ[path] = source, document
    return document, problems


def _open_preset(name: str, variant_name: str) -> Opened:
    path = presets.find_preset_file(name)
    if path is not None:
        document, problems = read_preset(path)
        return document, _variant(document, variant_name, problems) if variant_name else None, problems
    if not variant_name:
        for path in presets.files_mentioning(name):
            document, problems = read_preset(path)
            if name in document.variants:
                return document, document.variants[name], problems
    hint = did_you_mean(name, presets.preset_names()) or "; see archlab presets, or give the path of a .yaml file"
    raise single_problem(f"there is no preset '{name}'{hint}", Code.UNKNOWN_PRESET)


def _variant(document: Document, name: str, problems: Problems) -> Variant:
    variant = document.variants.get(name)
    if variant is None:
        hint = did_you_mean(name, document.variants) or f"; it has {listed(document.variants)}"
        problems.add(f"{document.name} has no variant '{name}'{hint}", Code.UNKNOWN_VARIANT, None)
        raise ConfigError(problems.found)
    return variant
