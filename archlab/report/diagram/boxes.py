"""A network folded to boxes: stages and single layers in order, and which of them read which.

Scopes of the path are the boxes, the top level first; where that shows too few, the largest are opened. A norm or
activation that follows a layer of its own is part of that layer's box.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from math import isqrt

from archlab.analysis.result import Analysis, LayerReport
from archlab.layers.shape import Shape
from archlab.report.diagram.words import summary

FEWEST = 6
"""Boxes that a diagram should have before scopes are opened no further."""
MOST_OF_ALL = 0.6
"""Share of the layers beyond which a scope is opened in any case."""
MOST = 60
"""Boxes beyond which no scope is opened."""
MOST_DRAWN = 2_000
"""Boxes of a diagram; where there are more, neighbours share one."""
MOST_EDGES = 20_000
"""Edges of a diagram, likewise."""


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
    def shares(self) -> bool:
        """Whether all weights in it are those of earlier layers."""
        return not self.params and any(layer.shared for layer in self.layers)

    @property
    def params(self) -> int:
        """Of all its layers."""
        return sum([layer.params for layer in self.layers])

    @property
    def unknown(self) -> frozenset[str]:
        """The numbers that an opaque layer in it does not declare."""
        return frozenset([name for layer in self.layers for name in layer.unknown])

    @property
    def macs(self) -> int:
        """Of all its layers."""
        return sum([layer.macs for layer in self.layers])


@dataclass(slots=True)
class Edge:
    """That a box reads another.

    Attributes:
        source: the box that is read; -1 is the network's input.
        target: the one that reads.
        is_main: whether a result's main path takes it: that of the first inputs, which are the lines above.
    """

    source: int
    target: int
    is_main: bool = False

    @property
    def passes(self) -> bool:
        """Whether it leads past a box."""
        return self.target - self.source > 1

    @property
    def is_skip(self) -> bool:
        """Whether it leads past a box beside the main path."""
        return self.passes and not self.is_main


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
    boxes = _gathered(_attach_followers(boxes, analysis), MOST_DRAWN)
    pairs = _pairs(boxes, analysis)
    if len(pairs) > MOST_EDGES:
        boxes = _gathered(boxes, isqrt(MOST_EDGES))
        pairs = _pairs(boxes, analysis)
    for box in boxes:
        if not box.text:
            box.text, box.repeats = summary(box.path, box.layers, analysis.graph)
    edges = [Edge(*pair, is_main) for pair, is_main in sorted(pairs.items(), key=lambda item: (item[0][1], item[0][0]))]
    owner = _owners(boxes)
    outputs = sorted({owner[index] for _, index in analysis.graph.outputs})
    return Diagram(analysis, boxes, edges, outputs)


def _owners(boxes: list[Box]) -> dict[int, int]:
    """The number of the box that each node is in; -1 for the input."""
    return {0: -1, **{layer.node.index: number for number, box in enumerate(boxes) for layer in box.layers}}


def _pairs(boxes: list[Box], analysis: Analysis) -> dict[tuple[int, int], bool]:
    """Which boxes read which, and whether a result's main path goes there."""
    owner, nodes = _owners(boxes), analysis.graph.nodes
    pairs = {
        (owner[source], owner[node.index]): False
        for node in analysis.graph.layers
        for source in node.inputs
        if owner[source] != owner[node.index]
    }
    seen: set[int] = set()
    for _, index in analysis.graph.outputs:
        while nodes[index].inputs and index not in seen:
            seen.add(index)
            pair = (owner[nodes[index].inputs[0]], owner[index])
            if pair in pairs:
                pairs[pair] = True
            index = nodes[index].inputs[0]  # noqa: PLW2901 - back along the path
    return pairs


def _gathered(boxes: list[Box], most: int) -> list[Box]:
    """The boxes, as many neighbours in one as it takes to have no more than so many."""
    if len(boxes) <= most:
        return boxes
    share = -(-len(boxes) // most)
    gathered: list[Box] = []
    for start in range(0, len(boxes), share):
        run = boxes[start : start + share]
        layers = [layer for box in run for layer in box.layers]
        last = run[-1].path.rpartition(" to ")[2]
        path = f"{run[0].path.partition(' to ')[0]} to {last}"
        gathered.append(run[0] if len(run) == 1 else Box(path, layers, f"{len(layers)} layers"))
    return gathered


def _scopes(layers: list[LayerReport], depth: int) -> list[Box]:
    def key(layer: LayerReport) -> str:
        return ".".join(layer.node.path.split(".", depth)[:depth])

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
    behind = len(boxes[number].path) + 1

    def key(layer: LayerReport) -> str:
        path = layer.node.path
        end = path.find(".", behind)
        return path if end < 0 else path[:end]

    inside = [Box(path, list(group)) for path, group in groupby(boxes[number].layers, key)]
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
    return layer.flops == 0 and layer.node.layer.role == "layer" and layer.storage != "new"
