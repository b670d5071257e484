"""The Python face: targets to networks, networks to numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from archlab import presets
from archlab.analysis import Analysis
from archlab.analysis import analyze as analyze_graph
from archlab.analysis.optimizer import DEFAULT_OPTIMIZER
from archlab.config.document import Document, Variant, is_identifier
from archlab.config.expand import expand, input_fault
from archlab.config.files import read_source, read_stdin_source
from archlab.config.loader import DocumentLoader
from archlab.config.problem import ConfigError, Problems, Source, TooManyProblemsError, single_problem
from archlab.config.suggest import counted, did_you_mean, listed
from archlab.graph import Graph
from archlab.inputs import STDIN_NAMES
from archlab.layers.base import Shape


class Network:
    """A config with its params chosen, expanded to a graph.

    Attributes:
        graph: the layers in order.
        document: the config as written.
        variant: the chosen variant, if any.
    """

    def __init__(self, graph: Graph, document: Document, variant: Variant | None) -> None:
        self.graph = graph
        self.document = document
        self.variant = variant

    @property
    def name(self) -> str:
        """The variant's name, or the config's."""
        return self.graph.name

    def analyze(
        self,
        *,
        batch: int = 1,
        dtype: str = "float32",
        optimizer: str = DEFAULT_OPTIMIZER,
        autocast: str | None = None,
        checkpoint: Sequence[str] = (),
        channels_last: bool = False,
    ) -> Analysis:
        """All numbers: receptive field, parameters, MACs, FLOPs, memory.

        Args:
            batch: number of samples.
            dtype: float32, float16, bfloat16 or int8.
            optimizer: sgd, momentum, adam or adamw, for the memory of training.
            autocast: float16 or bfloat16, the lower precision of a training step.
            checkpoint: blocks, or patterns such as `layer*.*`, that a training step computes again.
            channels_last: whether the input and the weights lie in that memory format.
        """
        return analyze_graph(
            self.graph,
            batch=batch,
            dtype=dtype,
            optimizer=optimizer,
            autocast=autocast,
            checkpoint=checkpoint,
            channels_last=channels_last,
        )

    def __repr__(self) -> str:
        return f"<Network {self.name}: {counted(len(self.graph.layers), 'layer')}>"


def load(target: str | Path, *, input: Shape | None = None, **params: Any) -> Network:  # noqa: A002 - the config's word
    """The network that a target names.

    Args:
        target: a YAML path, `path@variant`, the name of a preset or variant, or `-` for stdin.
        input: (channels, height, width) instead of the config's.
        params: new values for the config's params.

    Raises:
        ConfigError: with every problem found.
    """
    document, variant, problems = open_target(target)
    return expand_document(document, variant, problems, params=params, input_shape=input)


def loads(text: str, *, name: str = "config", input: Shape | None = None, **params: Any) -> Network:  # noqa: A002
    """The network that a YAML text describes; like `load`, for text."""
    document, problems = read_document(Source(f"<{name}>", text), name)
    return expand_document(document, None, problems, params=params, input_shape=input)


def expand_document(
    document: Document,
    variant: Variant | None,
    problems: Problems,
    *,
    params: Mapping[str, Any],
    input_shape: Shape | None = None,
) -> Network:
    """Expand a document.

    Raises:
        ConfigError: with every problem found, those of reading among them.
    """
    if input_shape is not None:
        fault = input_fault(tuple(input_shape))
        if fault is not None:
            raise single_problem(fault, "bad-input")
        input_shape = tuple(input_shape)
    return Network(expand(document, variant, params, problems, input_shape), document, variant)


def read_document(source: Source, default_name: str) -> tuple[Document, Problems]:
    """A text as a document, with the problems found so far.

    Raises:
        ConfigError: if there is no document to go on with.
    """
    problems = Problems()
    try:
        document = DocumentLoader(problems, presets.find_preset_file).load(source, default_name)
    except TooManyProblemsError:
        document = None
    if document is None:
        raise ConfigError(problems.found)
    return document, problems


def open_target(target: str | Path) -> tuple[Document, Variant | None, Problems]:
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
            raise single_problem(f"there is no file {path_text}; the preset is called {path.stem} alone", "unreadable")
        document, problems = read_document(read_source(path, shown_as=path_text), path.stem)
        return document, _variant(document, variant_name, problems) if variant_name else None, problems
    return _open_preset(path_text, variant_name)


_FILES = (".yaml", ".yml", ".cfg", ".py", ".json")
"""Endings of configs, and of those of other programs, which are told so."""


def _is_yaml(text: str) -> bool:
    return text.endswith((".yaml", ".yml"))


def _looks_like_path(text: str) -> bool:
    return text.endswith(_FILES) or "/" in text or "\\" in text or "\0" in text


def _open_preset(name: str, variant_name: str) -> tuple[Document, Variant | None, Problems]:
    path = presets.find_preset_file(name)
    if path is not None:
        document, problems = read_document(read_source(path, shown_as=f"configs/{path.name}"), path.stem)
        return document, _variant(document, variant_name, problems) if variant_name else None, problems
    if not variant_name:
        for path in presets.files_mentioning(name):
            document, problems = read_document(read_source(path, shown_as=f"configs/{path.name}"), path.stem)
            if name in document.variants:
                return document, document.variants[name], problems
    hint = did_you_mean(name, presets.preset_names()) or "; see archlab presets, or give the path of a .yaml file"
    raise single_problem(f"there is no preset '{name}'{hint}", "unknown-preset")


def _variant(document: Document, name: str, problems: Problems) -> Variant:
    variant = document.variants.get(name)
    if variant is None:
        hint = did_you_mean(name, document.variants) or f"; it has {listed(document.variants)}"
        problems.add(f"{document.name} has no variant '{name}'{hint}", "unknown-variant", None)
        raise ConfigError(problems.found)
    return variant
