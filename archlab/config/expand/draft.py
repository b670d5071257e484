"""A layer of the network while the walk goes on; its path is known once all are there."""

from __future__ import annotations

from dataclasses import dataclass

from archlab.config.expand.init import TensorInit
from archlab.diagnostics.place import Place
from archlab.graph import Node
from archlab.layers.base import Layer
from archlab.layers.shape import Shape


@dataclass(slots=True, eq=False)
class Draft:
    """What a node will be, but for its path (see `Node`)."""

    index: int
    layer: Layer
    inputs: tuple[int, ...]
    shape: Shape
    place: Place | None = None
    trail: tuple[str, ...] = ()
    zero_init: bool = False
    init: TensorInit | None = None
    shares: int | None = None
    """Index of the node whose module it is once more."""

    def node(self, path: str, shares: str | None = None) -> Node:
        """The node, made in one stroke: its path, and that of the module which it shares."""
        return Node(
            self.index,
            self.layer,
            self.inputs,
            self.shape,
            path,
            self.place,
            self.trail,
            self.zero_init,
            self.init,
            shares,
        )
