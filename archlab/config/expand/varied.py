"""Copies of a use of a block with other options of its pointwise layers, or for other shapes."""

from __future__ import annotations

from functools import partial

from archlab.config.expand.copies import Expansion
from archlab.config.expand.draft import Draft
from archlab.config.expand.environment import Environment
from archlab.config.expand.layer import lower_item
from archlab.config.expand.names import Values
from archlab.config.expand.walk import Walk
from archlab.config.syntax.expressions import UnknownValueError
from archlab.config.tree.dependence import Dependence
from archlab.diagnostics.problem import BadItemError
from archlab.layers.base import Layer
from archlab.layers.shape import ShapeError


def copy_varied(walk: Walk, made: Expansion, inputs: Values, looks: Dependence, inner: Environment) -> Expansion | None:
    """What a use has made, as another one makes it.

    Args:
        walk: the expansion.
        made: what is copied.
        inputs: what enters.
        looks: what the block's layers depend on, in which the two are alike.
        inner: what is visible in the block.

    Returns:
        The copy, or None where a layer cannot be; nothing is copied then, and another walk tells why.
    """
    start = len(walk.nodes)
    try:
        return walk.copies.copy(made, inputs, partial(_layer, walk, looks, inner))
    except (BadItemError, ShapeError, UnknownValueError):
        del walk.nodes[start:]
        walk.budget.take_back(len(made.nodes), made.reads)
        return None


def _layer(walk: Walk, looks: Dependence, inner: Environment, node: Draft) -> Layer:
    """The layer in a node's place."""
    item = looks.items.get(id(node.place))
    if item is None or node.trail != inner.trail:  # it stands in a block inside
        return node.layer
    lowered = lower_item(walk, item, type(node.layer), item.single, inner)
    if lowered is None:
        raise UnknownValueError
    return lowered.main
