"""One layer explained: the sections in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from archlab.analysis.result import Analysis, LayerReport
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed
from archlab.explain.block import BlockExplanation, explain_block, find_block
from archlab.explain.cost import macs_section, params_section
from archlab.explain.field import field_section
from archlab.explain.matrix.section import matrix_section
from archlab.explain.opaque import declared_section
from archlab.explain.section import Section
from archlab.explain.size import size_section
from archlab.explain.subject import Subject
from archlab.explain.topics import topic_sections
from archlab.layers.describe import describe, own_options
from archlab.layers.shape import shape_text

T = TypeVar("T", bound="Explanation | BlockExplanation")


@dataclass(frozen=True, slots=True)
class Explanation:
    """A layer's sections."""

    subject: Subject
    sections: list[Section]

    @property
    def heading(self) -> str:
        """Network, layer, and what it makes of what."""
        subject = self.subject
        batch = f", batch {subject.batch}" if subject.batch > 1 else ""
        before = " and ".join(shape_text(shape) for shape in subject.inputs)
        what = f"{describe(subject.layer)}: {before} to {shape_text(subject.output)}"
        name, path = subject.analysis.graph.name, subject.node.path
        return f"{what}{batch}" if name == path else f"{name}, {path}: {what}{batch}"

    def section(self, key: str) -> Section | None:
        """By key."""
        return next((section for section in self.sections if section.key == key), None)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        subject = self.subject
        nodes = subject.analysis.graph.nodes
        return {
            "name": subject.analysis.graph.name,
            "path": subject.node.path,
            "type": subject.layer.type,
            "options": own_options(subject.layer),
            "inputs": [
                {"path": nodes[index].path or "input", "shape": [subject.batch, *nodes[index].shape]}
                for index in subject.node.inputs
            ],
            "output_shape": [subject.batch, *subject.output],
            "sections": [section.to_dict() for section in self.sections],
        }


def explain(analysis: Analysis, path: str) -> Explanation | BlockExplanation:
    """The explanation of a layer, or of the block of all layers under a path.

    Raises:
        ConfigError: if there is nothing of that path.
    """
    is_layer = any(report.node.path == path for report in analysis.layers)
    block = None if is_layer else find_block(analysis, path)
    return explain_layer(analysis, path) if block is None else explain_block(block)


def only(explanation: T, keys: Sequence[str]) -> T:
    """The same with some of its sections; all of them for no keys.

    Raises:
        ConfigError: if it has no section of a key.
    """
    known = [section.key for section in explanation.sections]
    for key in keys:
        if key not in known:
            hint = did_you_mean(key, known) or f"; it has {listed(known)}"
            raise single_problem(f"there is no section '{key}' here{hint}", Code.UNKNOWN_NAME)
    if not keys:
        return explanation
    return replace(explanation, sections=[section for section in explanation.sections if section.key in keys])


def explain_layer(analysis: Analysis, path: str) -> Explanation:
    """A layer's explanation.

    Raises:
        ConfigError: if there is no layer of that path.
    """
    subject = Subject(analysis, find_layer_report(analysis, path))
    if not subject.node.inputs:
        message = f"'{path}' is an input of {analysis.graph.name}: there is nothing to explain"
        raise single_problem(message, Code.UNKNOWN_LAYER)
    if subject.layer.role == "opaque":
        return Explanation(subject, [declared_section(subject), field_section(subject)])
    sections = [size_section(subject), params_section(subject), macs_section(subject), field_section(subject)]
    sections += topic_sections(subject)
    matrix = matrix_section(subject)
    return Explanation(subject, [*sections, matrix] if matrix else sections)


def find_layer_report(analysis: Analysis, path: str) -> LayerReport:
    """By path, with suggestions.

    Raises:
        ConfigError: if there is none.
    """
    paths = [report.node.path for report in analysis.layers]
    if path in paths:
        return analysis.layers[paths.index(path)]
    hint = did_you_mean(path, [*paths, *_blocks(paths)]) or "; without a layer, archlab explain lists them"
    raise single_problem(f"{analysis.graph.name} has no layer '{path}'{hint}", Code.UNKNOWN_LAYER)


def _blocks(paths: Sequence[str]) -> list[str]:
    """The paths of blocks around layers, each once."""
    parts = [path.split(".") for path in paths]
    return list(dict.fromkeys([".".join(words[:end]) for words in parts for end in range(1, len(words))]))
