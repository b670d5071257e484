"""What design rules are told of one network."""

from __future__ import annotations

from functools import partial

from archlab.analysis.result import Analysis
from archlab.config.expand.network import expand
from archlab.config.tree.document import Document, Variant
from archlab.diagnostics.problem import ConfigError, Problem, Problems
from archlab.graph import Graph
from archlab.layers.shape import Shape
from archlab.lint.findings import Findings
from archlab.lint.rule import Subject
from archlab.lint.rules import RULES


def subject_of(analysis: Analysis, document: Document, variant: Variant | None) -> Subject:
    """A network, and how it is with an input of another size."""
    return Subject(analysis, document, partial(resized, document, variant))


def resized(document: Document, variant: Variant | None, shape: Shape) -> Graph | None:
    """A network for another input shape; None where it cannot take that."""
    try:
        return expand(document, variant, {}, Problems(), tuple(shape))
    except ConfigError:
        return None


def remarks(analysis: Analysis, document: Document, variant: Variant | None) -> list[Problem]:
    """What all rules find in one network."""
    found = Findings(RULES.values())
    found.add(subject_of(analysis, document, variant))
    return found.problems
