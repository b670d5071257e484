"""Uses of a block that expand to the same layers: the walk over the first is repeated by copying its nodes.

A block sees its params and what enters it, nothing else. Two uses with equal arguments and inputs of equal
shapes therefore give the same nodes but for their numbers, which is most of a deep network: the 36 units of
a ResNet-152's third stage are two walks and 34 copies. Where what its layers depend on allows it (`dependence`), a use
is copied too that differs in an option of a pointwise layer (a drop rate that grows with the depth, as in EfficientNet)
or in the shapes that enter (the channels that grow with each layer of a DenseNet).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from archlab.config.expand.draft import Draft
from archlab.config.expand.emitter import Emitter
from archlab.config.expand.environment import Environment
from archlab.config.expand.made import Made, Shift
from archlab.config.expand.names import Value, Values
from archlab.config.expand.paths import PathScope
from archlab.config.expand.prune import Use
from archlab.config.expand.recursion import OpenBlock
from archlab.config.tree.dependence import Dependence, dependence
from archlab.config.tree.document import Block
from archlab.config.tree.items import UseItem
from archlab.layers.base import Layer

Given = dict[str, Any]
"""A block's arguments with their values."""

Change = Callable[[Draft], Layer]
"""The layer that takes the place of a copied node's. Raises whatever keeps the walk from making it."""


class Expansion(NamedTuple):
    """What a use of a block has made.

    Attributes:
        inputs: what enters.
        start: index of the first node; the others follow without gaps.
        nodes: in order.
        scope: their paths.
        shift: what the indices in the scope grow by, where it is that of another use.
        names: what can be named in it.
        outputs: what comes out.
        steps: work of the walk, in the budget's steps.
        uses: of blocks with several outputs, this one among them.
        made: what items in it have made, by name, where weights are shared.
    """

    inputs: Values
    start: int
    nodes: list[Draft]
    scope: PathScope
    names: dict[str, Value]
    outputs: Values
    steps: int
    uses: list[Use]
    made: dict[str, Made]
    shift: int = 0

    @property
    def reads(self) -> int:
        """Inputs of all its nodes together."""
        return sum([len(node.inputs) for node in self.nodes])


class Copies:
    """Knows what uses gave, and makes the same again."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter
        self._known: dict[tuple[object, ...], Expansion] = {}
        self._looks: dict[Block, Dependence] = {}

    def find(self, key: tuple[object, ...]) -> Expansion | None:
        """What a like use gave."""
        return self._known.get(key)

    def looks(self, block: Block) -> Dependence:
        """What a block's layers depend on, read once."""
        found = self._looks.get(block)
        if found is None:
            found = self._looks[block] = dependence(block)
        return found

    def remember(self, key: tuple[object, ...], expansion: Expansion) -> None:
        """Keep what a use gave, unless another one of that key did."""
        self._known.setdefault(key, expansion)

    def copy(self, made: Expansion, inputs: Values, change: Change | None = None) -> Expansion:
        """The same behind the nodes that there are, reading other values.

        Args:
            made: what a like use gave.
            inputs: what enters.
            change: for other options; None where they are the same, and the shapes too.

        Raises:
            ShapeError: where a layer cannot take its inputs; some nodes are there then.
            BadItemError: where a result is too large.
        """
        nodes = self._emitter.nodes
        shift = len(nodes) - made.start
        pairs = list(zip(made.inputs, inputs, strict=True))
        alike = all(old is None or new is None or old.shape == new.shape for old, new in pairs)
        entering = {old.index: new.index for old, new in pairs if old and new}

        def moved(index: int) -> int:
            return index + shift if index >= made.start else entering[index]

        for node in made.nodes:
            read = tuple([moved(index) for index in node.inputs])
            layer = node.layer if change is None else change(node)
            shape = node.shape
            if layer is not node.layer or not alike:
                shape = self._emitter.shape(layer, tuple([nodes[index].shape for index in read]), node.place)
            at = node.index + shift
            shares = None if node.shares is None else node.shares + shift  # with what is in the same block
            draft = Draft(at, layer, read, shape, node.place, node.trail, node.zero_init, node.init, shares)
            nodes.append(draft)
        return Expansion(
            inputs,
            made.start + shift,
            nodes[made.start + shift :],
            made.scope,
            {name: None if value is None else nodes[moved(value.index)] for name, value in made.names.items()},
            tuple([None if value is None else nodes[moved(value.index)] for value in made.outputs]),
            made.steps,
            [use.moved(shift) for use in made.uses],
            self._moved(made, inputs, shift) if made.made else {},
            shift,
        )

    def _moved(self, made: Expansion, inputs: Values, shift: int) -> dict[str, Made]:
        entering = {old.index: new for old, new in zip(made.inputs, inputs, strict=True) if old and new}
        by = Shift(made.start, shift, entering, self._emitter.nodes)
        return {name: known.moved(by) for name, known in made.made.items()}


def use_key(item: UseItem, inputs: Values, opened: OpenBlock, env: Environment) -> tuple[object, ...]:
    """What decides which layers a use has: two with equal keys have the same.

    Args:
        item: its item, which stands in the trail.
        inputs: what enters.
        opened: its block, with arguments and shapes.
        env: where it stands; the blocks around it and the depth stand in the nodes and in problems.
    """
    numbers: dict[Value, int] = {}
    alike = tuple([numbers.setdefault(value, len(numbers)) for value in inputs])  # which of them are one value
    return item, opened, alike, env.trail, env.depth


def loosened(opened: OpenBlock, given: Given, looks: Dependence) -> OpenBlock:
    """What a block's layers depend on, of what it is used with.

    Args:
        opened: the block, with arguments and shapes.
        given: the arguments.
        looks: what its layers depend on.
    """
    # that one is given counts, and so does a null, which leaves a required one missing
    kept = {name: ... if name in looks.options and value is not None else value for name, value in given.items()}
    are_free = not looks.shapes and None not in opened.shapes
    return opened._replace(given=repr(kept), shapes=() if are_free else opened.shapes)
