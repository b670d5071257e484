"""Uses of a block that expand to the same layers: the walk over the first is repeated by copying its nodes.

A block sees its params and what enters it, nothing else. Two uses with equal arguments and inputs of equal
shapes therefore give the same nodes but for their numbers, which is most of a deep network: the 36 units of
a ResNet-152's third stage are two walks and 34 copies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archlab.config.names import Value, Values
from archlab.config.naming import PathScope
from archlab.graph import Node


@dataclass(slots=True)
class Expansion:
    """What one walk over a block made."""

    inputs: Values
    nodes: list[Node]
    """In order, without gaps between their indices."""
    scope: PathScope
    names: dict[str, Value]
    outputs: Values
    steps: int
    """Work of the walk, in the emitter's steps."""


@dataclass(slots=True)
class Copier:
    """Copies an expansion behind the nodes there are, reading other values of the same shapes."""

    expansion: Expansion
    values: Values
    """What enters the copy."""
    nodes: list[Node]
    """Of the network so far; the copies are appended."""
    _copies: dict[int, Node] = field(default_factory=dict)
    """Old index to new node, what enters among them."""

    def copy(self, scope: PathScope) -> tuple[dict[str, Value], Values]:
        """Append the copies.

        Args:
            scope: an empty scope for the paths.

        Returns:
            The names inside, and the outputs.
        """
        made = self.expansion
        for old, new in zip(made.inputs, self.values, strict=True):
            assert old is not None
            assert new is not None
            self._copies[old.index] = new
        for node in made.nodes:
            self._copy_node(node)
        self._copy_scope(made.scope, scope)
        return self._moved(made.names), tuple([self._copies[node.index] for node in made.outputs if node is not None])

    def _copy_node(self, node: Node) -> None:
        copies = self._copies
        inputs = tuple([copies[index].index for index in node.inputs])
        made = Node(len(self.nodes), node.layer, inputs, node.shape, "", node.place, node.trail)
        made.zero_init, made.init = node.zero_init, node.init
        copies[node.index] = made
        self.nodes.append(made)

    def _copy_scope(self, old: PathScope, new: PathScope) -> None:
        """The same labels, which are told apart once for all copies."""
        new.twin = old
        for label, written, child in old.children:
            if isinstance(child, PathScope):
                self._copy_scope(child, new.scope(label, written=written))
            else:
                new.add(label, self._copies[child.index], written=written)

    def _moved(self, names: dict[str, Value]) -> dict[str, Value]:
        return {name: None if node is None else self._copies[node.index] for name, node in names.items()}


def replay_key(
    place: int, values: Values, given: dict[str, Any], surroundings: tuple[tuple[str, ...], int]
) -> tuple[object, ...]:
    """What decides the nodes of a use.

    Args:
        place: which item it is.
        values: what enters.
        given: arguments.
        surroundings: the blocks around it and the depth, which stand in the nodes and in problems.
    """
    shapes = tuple([None if value is None else value.shape for value in values])
    first = tuple([values.index(value) for value in values])  # which of the inputs are one value
    # repr, since 1, 1.0 and True are equal as keys but not as arguments
    return place, shapes, first, repr(given), surroundings
