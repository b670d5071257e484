"""A network after expansion: primitive layers in order, with shapes, paths and source positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from archlab.diagnostics.place import Place
from archlab.layers.base import Layer, Shape

OutputForm = Literal["single", "tuple", "dict"]


@dataclass(slots=True, eq=False)
class Node:
    """One primitive layer at one place in the network."""

    index: int
    layer: Layer
    inputs: tuple[int, ...]
    """Indices of earlier nodes; empty for the input node."""
    shape: Shape
    """The output's shape, without batch."""
    path: str = ""
    """The submodule's name in PyTorch, e.g. `layer1.0.conv1`."""
    place: Place | None = None
    trail: tuple[str, ...] = ()
    """Through which blocks it came about, for messages."""
    zero_init: bool = False
    """Whether its tensors start at zero."""
    init: Mapping[str, Any] | None = None
    """Initialisers of the layer or its block, by tensor; they go before the graph's. None for PyTorch's own."""


def renumbered(nodes: Sequence[Node]) -> tuple[list[Node], dict[int, int]]:
    """Some of a graph's nodes as a graph of their own, and their new indices by the old ones."""
    number = {node.index: position for position, node in enumerate(nodes)}
    made = [replace(node, index=number[node.index], inputs=tuple([number[i] for i in node.inputs])) for node in nodes]
    return made, number


@dataclass(slots=True)
class Graph:
    """A network: node 0 is the input, every node reads earlier nodes only."""

    name: str
    nodes: list[Node]
    outputs: list[tuple[str, int]]
    """Label and node index of each result."""
    output_form: OutputForm = "single"
    """What the built model returns: one tensor, a tuple, or a dictionary by label."""
    variant: str | None = None
    init: Mapping[str, Any] = field(default_factory=dict)
    """Initialisers by layer type (see `config.init`)."""

    def initializers(self, node: Node) -> dict[str, Any]:
        """Tensor name to initialiser of a node; what is not in it keeps PyTorch's own."""
        found = {**self.init.get(node.layer.type, {}), **(node.init or {})}
        return {tensor: initializer for tensor, initializer in found.items() if initializer is not None}

    @property
    def input_shape(self) -> Shape:
        """The input's shape, without batch."""
        return self.nodes[0].shape

    @property
    def layers(self) -> list[Node]:
        """Every node but the input."""
        return self.nodes[1:]

    def input_shapes(self, node: Node) -> tuple[Shape, ...]:
        """The shapes that a node reads."""
        return tuple([self.nodes[i].shape for i in node.inputs])
