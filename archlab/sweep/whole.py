"""Designs analysed as a whole, the plain way: those that do not compose, and samples of those that do."""

from __future__ import annotations

from archlab.analysis.conditions import Conditions
from archlab.analysis.result import Analysis
from archlab.config.expand.network import expand
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, Problems, single_problem
from archlab.graph import Graph
from archlab.graph.deploy import deploy
from archlab.sweep.figures import Row, row_of
from archlab.sweep.space import Space
from archlab.sweep.vary import value_text


def analysed(space: Space, number: int, conditions: Conditions) -> Analysis:
    """The analysis of a design.

    Raises:
        ConfigError: if it is no network.
    """
    return Analysis(expanded(space, number), conditions)


def expanded(space: Space, number: int) -> Graph:
    """The network of a design.

    Raises:
        ConfigError: if it is none.
    """
    digits = space.digits(number)
    settings, given = space.settings_of(digits)
    for name in space.derived:
        problem = space.problem_of(name, digits)
        if problem is not None:
            raise ConfigError([problem])
    graph = expand(space.document, space.variant, settings, Problems(), given)
    return deploy(graph) if space.deployed else graph


def require_equal(space: Space, number: int, found: Row | None, conditions: Conditions) -> None:
    """Compare what the parts give with the plain analysis.

    Args:
        space: of the design.
        number: of the design.
        found: its figures; None if it is no network.
        conditions: of the analysis.

    Raises:
        ConfigError: where they differ.
    """
    try:
        plain = row_of(analysed(space, number, conditions))
    except ConfigError as error:
        if found is None:
            return
        difference = f"it is no network: {error.problems[0].message}"
    else:
        none = "it is a network, and its parts say that it is none"
        difference = none if found is None else plain.difference(found)
    if difference:
        text = design_text(space, number)
        message = f"{text}: the parts do not give what the whole gives: {difference}; that is a fault of archlab's"
        raise single_problem(message, Code.EXPECT)


def design_text(space: Space, number: int) -> str:
    """`width=64, d3=6`."""
    return ", ".join([f"{name}={value_text(value)}" for name, value in space.chosen(number).items()])
