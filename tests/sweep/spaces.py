"""Spaces for tests, and what the plain analysis says of each of their designs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archlab.analysis.conditions import Conditions
from archlab.api.load import load
from archlab.config.syntax.yaml_nodes import Node, parse
from archlab.config.tree.targets import open_target, read_document
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError, Problems
from archlab.sweep.figures import Designs, Row, row_of
from archlab.sweep.space import Space
from archlab.sweep.vary import space_of


def nodes(vary: Mapping[str, str]) -> dict[str, Node]:
    return {name: parse(Source(name, text), Problems()) for name, text in vary.items()}


def space(target: str, vary: Mapping[str, str], **settings: Any) -> Space:
    """Of a preset, or of a config's text."""
    if "\n" in target:
        (document, problems), variant = read_document(Source("a.yaml", target), "a"), None
    else:
        document, variant, problems = open_target(target)
    found = space_of(document, variant, nodes(vary), {}, problems, settings=settings)
    problems.raise_if_any()
    assert found is not None
    return found


def plain(of: Space, number: int, conditions: Conditions, target: str) -> Row | None:
    """Through the face of the package, by target and params; None for what is no network."""
    settings, given = of.settings_of(of.digits(number))
    try:
        if "\n" in target:
            from archlab.api.load import loads

            return row_of(loads(target, input=given, **settings).analyze(conditions))
        return row_of(load(target, input=given, **settings).analyze(conditions))
    except ConfigError:
        return None


def rows(designs: Designs) -> dict[int, Row]:
    return {number: designs.row(row) for row, number in enumerate(designs.numbers)}
