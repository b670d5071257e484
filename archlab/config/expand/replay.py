"""Uses of a block that expand to the same layers: the walk over the first is repeated by copying its nodes.

A block sees its params and what enters it, nothing else. Two uses with equal arguments and inputs of equal
shapes therefore give the same nodes but for their numbers, which is most of a deep network: the 36 units of
a ResNet-152's third stage are two walks and 34 copies. Where what they look at allows it (`sight`), uses are
copied too that differ in an option of a layer (a drop rate that grows with the depth, as in EfficientNet) or in the
shapes that enter (the channels that grow with each layer of a DenseNet).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archlab.config.expand.emitter import Emitter
from archlab.config.expand.lowering import Lowering
from archlab.config.expand.names import Value, Values
from archlab.config.expand.prune import Use
from archlab.config.expand.recording import Emission
from archlab.config.expand.sight import Sight
from archlab.config.syntax.expressions import UnknownValueError
from archlab.config.syntax.naming import PathScope
from archlab.diagnostics.problem import BadItemError
from archlab.graph import Node
from archlab.layers.base import Layer, ShapeError

Given = dict[str, Any]
"""A block's arguments with their values."""


@dataclass(slots=True)
class Expansion:
    """What one walk over a block made."""

    inputs: Values
    start: int
    """Index of the first node."""
    nodes: list[Node]
    """In order, without gaps between their indices."""
    scope: PathScope
    names: dict[str, Value]
    outputs: Values
    steps: int
    """Work of the walk, in the emitter's steps."""
    trail: tuple[str, ...]
    """Inside the block."""
    emissions: list[Emission]
    uses: list[Use]
    """Of blocks with several outputs, this one among them."""


class CannotCopyError(Exception):
    """Another walk is needed, be it for its problems."""


@dataclass(slots=True)
class Copier:
    """Copies an expansion behind the nodes there are, reading other values."""

    expansion: Expansion
    values: Values
    """What enters the copy."""
    emitter: Emitter
    _copies: dict[int, Node] = field(default_factory=dict)
    """Old index to new node, what enters among them."""

    def copy(self, layers: dict[int, Layer], scope: PathScope) -> tuple[dict[str, Value], Values]:
        """Append the copies.

        Args:
            layers: those that take the places of others, by the nodes' indices.
            scope: an empty scope for the paths.

        Returns:
            The names inside, and the outputs.

        Raises:
            CannotCopyError: where a layer does not take the shapes; nothing is appended.
        """
        made = self.expansion
        alike = True
        for old, new in zip(made.inputs, self.values, strict=True):
            assert old is not None
            assert new is not None
            self._copies[old.index] = new
            alike = alike and old.shape == new.shape
        start = len(self.emitter.nodes)
        try:
            for node in made.nodes:
                self._copy_node(node, layers.get(node.index, node.layer), alike=alike)
        except (ShapeError, BadItemError):
            self.emitter.take_back(start)
            raise CannotCopyError from None
        self._copy_scope(made.scope, scope)
        return self._moved(made.names), tuple([self._copies[node.index] for node in made.outputs if node is not None])

    def _copy_node(self, node: Node, layer: Layer, *, alike: bool) -> None:
        copies, nodes = self._copies, self.emitter.nodes
        inputs = [copies[index] for index in node.inputs]
        shape = node.shape if alike else self.emitter.shape(layer, tuple([value.shape for value in inputs]), node.place)
        made = Node(len(nodes), layer, tuple([value.index for value in inputs]), shape, "", node.place, node.trail)
        made.zero_init, made.init = node.zero_init, node.init
        copies[node.index] = made
        self.emitter.add(made)

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


def changed_layers(expansion: Expansion, given: Given, lowering: Lowering) -> dict[int, Layer]:
    """The layers that may have other options for other arguments, by the indices of their nodes.

    Args:
        expansion: what is to be copied.
        given: the arguments of the copy.
        lowering: makes the layers.

    Raises:
        CannotCopyError: if the options are wrong.
    """
    changed: dict[int, Layer] = {}
    for emission in expansion.emissions:
        variables = {**emission.variables, **given}
        try:
            values = {name: argument.value(variables) for name, argument in emission.arguments.items()}
            lowered = lowering.lower(emission.item, emission.cls, values, expansion.trail)
        except (BadItemError, UnknownValueError):
            raise CannotCopyError from None
        if lowered is None:
            raise CannotCopyError
        changed[emission.node.index] = lowered.main
    return changed


def replay_key(
    place: int, values: Values, given: Given, sight: Sight, surroundings: tuple[tuple[str, ...], int]
) -> tuple[object, ...]:
    """What decides which layers a use has.

    Args:
        place: which item it is.
        values: what enters.
        given: arguments.
        sight: what the block's layers look at.
        surroundings: the blocks around it and the depth, which stand in the nodes and in problems.
    """
    known = None not in values
    shapes = tuple([None if value is None else value.shape for value in values]) if sight.shapes or not known else None
    numbers: dict[Value, int] = {}
    first = tuple([numbers.setdefault(value, len(numbers)) for value in values])  # which of the inputs are one value
    if sight.options:
        # that one is given counts, and so does a null, which leaves a required one missing
        free = {name for name in sight.options if given.get(name) is not None}
        given = {name: ... if name in free else value for name, value in given.items()}
    # repr, since 1, 1.0 and True are equal as keys but not as arguments
    return place, shapes, first, repr(given), surroundings
