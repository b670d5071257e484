"""A network folded to boxes: stages and single layers in order, and which of them read which.

Scopes of the path are the boxes, the top level first; where that shows too few, the largest are opened. A norm or
activation that follows a layer of its own is part of that layer's box.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

from archlab.analysis.result import Analysis, LayerReport
from archlab.diagram.words import summary
from archlab.layers.base import Shape

FEWEST = 6
"""Boxes that a diagram should have before scopes are opened no further."""
MOST_OF_ALL = 0.6
"""Share of the layers beyond which a scope is opened in any case."""
MOST = 60
"""Boxes beyond which no scope is opened."""


@dataclass(slots=True)
class Box:
    """A stage, or a layer with what follows it.

    Attributes:
        path: of the scope or the layer.
        layers: in it, in order.
        text: what it is made of.
        repeats: how many units of one kind it holds; 1 where it is no repetition.
    """

    path: str
    layers: list[LayerReport]
    text: str = ""
    repeats: int = 1

    @property
    def shape(self) -> Shape:
        """Of its last value."""
        return self.layers[-1].node.shape

    @property
    def params(self) -> int:
        """Of all its layers."""
        return sum([layer.params for layer in self.layers])

    @property
    def macs(self) -> int:
        """Of all its layers."""
        return sum([layer.macs for layer in self.layers])


@dataclass(slots=True)
class Edge:
    """That a box reads another; -1 is the network's input."""

    source: int
    target: int

    @property
    def is_skip(self) -> bool:
        """Whether it leads past a box."""
        return self.target - self.source > 1


@dataclass(slots=True)
class Diagram:
    """Boxes and edges of a network.

    Attributes:
        analysis: of the network.
        boxes: in order.
        edges: by target.
        outputs: the boxes that hold a result, by number.
    """

    analysis: Analysis
    boxes: list[Box]
    edges: list[Edge] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)


def fold_to_boxes(analysis: Analysis, depth: int | None = None) -> Diagram:
    """The diagram of a network.

    Args:
        analysis: of the network.
        depth: parts of the path that make a box; None chooses.
    """
    boxes = _scopes(analysis.layers, depth or 1)
    while depth is None and (len(boxes) < FEWEST or _holds_most(boxes, len(analysis.layers))):
        opened = _open_largest(boxes)
        if opened is None or len(opened) > MOST:
            break
        boxes = opened
    boxes = _attach_followers(boxes, analysis)
    for box in boxes:
        box.text, box.repeats = summary(box.path, box.layers, analysis.graph)
    owner = {layer.node.index: number for number, box in enumerate(boxes) for layer in box.layers}
    owner[0] = -1
    pairs = {
        (owner[source], number)
        for number, box in enumerate(boxes)
        for layer in box.layers
        for source in layer.node.inputs
        if owner[source] != number
    }
    edges = [Edge(*pair) for pair in sorted(pairs, key=lambda pair: (pair[1], pair[0]))]
    outputs = sorted({owner[index] for _, index in analysis.graph.outputs})
    return Diagram(analysis, boxes, edges, outputs)


def _scopes(layers: list[LayerReport], depth: int) -> list[Box]:
    def key(layer: LayerReport) -> str:
        return ".".join(layer.node.path.split(".")[:depth])

    return [Box(path, list(group)) for path, group in groupby(layers, key)]


def _holds_most(boxes: list[Box], layers: int) -> bool:
    """Whether one scope holds most of the network."""
    return max([len(box.layers) for box in boxes]) > MOST_OF_ALL * layers


def _open_largest(boxes: list[Box]) -> list[Box] | None:
    """The scope with the most layers replaced by what is in it."""
    scopes = [number for number, box in enumerate(boxes) if len(box.layers) > 1]
    if not scopes:
        return None
    number = max(scopes, key=lambda n: len(boxes[n].layers))
    inside = _scopes(boxes[number].layers, boxes[number].path.count(".") + 2)
    return [*boxes[:number], *inside, *boxes[number + 1 :]]


def _attach_followers(boxes: list[Box], analysis: Analysis) -> list[Box]:
    """Put norms, activations and the like into the box of the layer in front, if nothing else reads that."""
    readers: dict[int, int] = {}
    for node in analysis.graph.nodes:
        for source in node.inputs:
            readers[source] = readers.get(source, 0) + 1
    kept: list[Box] = []
    for box in boxes:
        before = kept[-1] if kept else None
        if before is not None and _follows(box, before, readers):
            before.layers += box.layers
        else:
            kept.append(Box(box.path, list(box.layers)))
    return kept


def _follows(box: Box, before: Box, readers: dict[int, int]) -> bool:
    node = box.layers[0].node
    last = before.layers[-1].node
    is_small = len(box.layers) == 1 and (node.layer.role in ("norm", "activation") or _moves_only(box.layers[0]))
    is_plain = before.layers[0].node.path == before.path  # a layer, not a scope
    return is_small and is_plain and node.inputs == (last.index,) and readers[last.index] == 1


def _moves_only(layer: LayerReport) -> bool:
    """Whether a layer computes nothing: dropout, flatten."""
    return layer.flops == 0 and layer.node.layer.role == "layer" and layer.node.layer.storage != "new"
