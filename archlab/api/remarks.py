"""What design rules are told of one network."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from archlab.analysis.result import Analysis
from archlab.config.expand.network import expand
from archlab.config.tree.document import Document, Variant
from archlab.diagnostics.problem import ConfigError, Problem, Problems
from archlab.graph import Graph
from archlab.layers.shape import Shape
from archlab.lint.findings import Findings
from archlab.lint.rule import Subject
from archlab.lint.rules import RULES


def subject_of(
    analysis: Analysis, document: Document, variant: Variant | None, settings: Mapping[str, Any] | None = None
) -> Subject:
    """A network, and how it is with an input of another size.

    Args:
        analysis: of the network.
        document: its config.
        variant: its variant, if any.
        settings: what its params were given instead of the config's values.
    """
    return Subject(analysis, document, partial(_resized, document, variant, settings or {}))


def _resized(document: Document, variant: Variant | None, settings: Mapping[str, Any], shape: Shape) -> Graph | None:
    """A network for another input shape; None where it cannot take that."""
    try:
        return expand(document, variant, settings, Problems(), tuple(shape))
    except ConfigError:
        return None


def remarks(
    analysis: Analysis, document: Document, variant: Variant | None, settings: Mapping[str, Any] | None = None
) -> list[Problem]:
    """What all rules find in one network."""
    found = Findings(RULES.values())
    found.add(subject_of(analysis, document, variant, settings))
    return found.problems
