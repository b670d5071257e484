"""A network folded to boxes: stages and single layers in order, and which of them read which.

Scopes of the path are the boxes, the top level first; where that shows too few, the largest are opened. A norm or
activation that follows a layer of its own is part of that layer's box.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from math import isqrt

from archlab.analysis.main_path import paths_of
from archlab.analysis.result import Analysis, LayerReport
from archlab.layers.shape import Shape
from archlab.report.diagram.words import first_of, summary, typical_unit

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
MOST_INSIDE = 24
"""Boxes inside a box."""
MOST_OPENED = 160
"""Such boxes of a diagram."""
MOST_BESIDE = 6
"""Paths that are alike and side by side; more are drawn as one."""


@dataclass(slots=True)
class Box:
    """A stage, or a layer with what follows it.

    Attributes:
        path: of the scope or the layer.
        layers: in it, in order.
        text: what it is made of.
        repeats: how many units of one kind it holds; 1 where it is no repetition.
        beside: whether these are side by side and not one behind another.
        span: layers of a unit, where several scopes that are alike are in one box; else 0.
        inside: what is drawn in it: its unit's boxes, where these are no chain.
        first: what is otherwise in the first unit.
    """

    path: str
    layers: list[LayerReport]
    text: str = ""
    repeats: int = 1
    beside: bool = False
    span: int = 0
    inside: Part | None = None
    first: str = ""

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

    @property
    def memory(self) -> int:
        """Bytes of all its outputs."""
        return sum([layer.activation_bytes for layer in self.layers])


@dataclass(slots=True)
class Edge:
    """That a box reads another.

    Attributes:
        source: the box that is read; -1 is what comes in.
        target: the one that reads.
        is_main: whether a result's main path takes it.
        is_skip: whether it is of a shortcut past a part of the main path.
        values: the nodes whose outputs are read.
    """

    source: int
    target: int
    is_main: bool = False
    is_skip: bool = False
    values: tuple[int, ...] = ()


@dataclass(slots=True)
class Part:
    """Boxes and what they read.

    Attributes:
        boxes: in order.
        edges: by target.
        outputs: the boxes whose values leave: those that hold a result, by number.
        leaving: these values, by node.
    """

    boxes: list[Box]
    edges: list[Edge] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    leaving: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Diagram(Part):
    """Boxes and edges of a network.

    Attributes:
        analysis: of the network.
    """

    analysis: Analysis = field(kw_only=True)


def fold_to_boxes(analysis: Analysis, depth: int | None = None) -> Diagram:
    """The diagram of a network.

    Args:
        analysis: of the network.
        depth: parts of the path that make a box; None chooses, and draws what is in those that are no chain.
    """
    boxes = scopes(analysis.layers, depth or 1)
    while depth is None and (len(boxes) < FEWEST or _holds_most(boxes, len(analysis.layers))):
        opened = _open_largest(boxes)
        if opened is None or len(opened) > MOST:
            break
        boxes = opened
    wiring = Wiring(analysis)
    boxes = _alike_as_one(wiring.with_followers(boxes), wiring)
    if depth is None:
        boxes = _repeated_as_one(boxes, wiring)
    boxes = _gathered(boxes, MOST_DRAWN)
    pairs = wiring.pairs(boxes)
    if len(pairs) > MOST_EDGES:
        boxes = _gathered(boxes, isqrt(MOST_EDGES))
        pairs = wiring.pairs(boxes)
    for box in boxes:
        if not box.text:
            box.text, box.repeats = summary(box.path, box.layers, analysis.graph)
    if depth is None:
        open_units(boxes, wiring)
    owner = owners(boxes)
    results = list(dict.fromkeys([index for _, index in analysis.graph.outputs]))
    outputs = sorted({owner[index] for index in results})
    return Diagram(boxes, pairs, outputs, results, analysis=analysis)


def owners(boxes: list[Box]) -> dict[int, int]:
    """The number of the box that each node is in; -1 for the input."""
    return {0: -1, **{layer.node.index: number for number, box in enumerate(boxes) for layer in box.layers}}


class Wiring:
    """What the layers of a network read, for boxes of any kind."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.paths = paths_of(analysis.graph)
        self.readers: dict[int, list[int]] = {}
        for node in analysis.graph.nodes:
            for source in node.inputs:
                self.readers.setdefault(source, []).append(node.index)

    def pairs(self, boxes: list[Box]) -> list[Edge]:
        """Which boxes read which; what is in none of them comes in."""
        owner = owners(boxes)
        found: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for box in boxes:
            for layer in box.layers:
                target = layer.node.index
                for source in layer.node.inputs:
                    pair = owner.get(source, -1), owner[target]
                    if pair[0] != pair[1]:
                        found.setdefault(pair, []).append((source, target))
        ordered = sorted(found.items(), key=lambda item: (item[0][1], item[0][0]))
        return [self._edge(pair, lines) for pair, lines in ordered]

    def _edge(self, pair: tuple[int, int], lines: list[tuple[int, int]]) -> Edge:
        is_main = not self.paths.main.isdisjoint(lines)
        is_skip = not is_main and self.paths.shortcuts.issuperset(lines)
        return Edge(*pair, is_main, is_skip, tuple(dict.fromkeys([source for source, _ in lines])))

    def leaving(self, layers: list[LayerReport]) -> list[int]:
        """The values of some layers that others read, or that are results."""
        inside = {layer.node.index for layer in layers}
        results = {index for _, index in self.analysis.graph.outputs}
        return [
            index
            for index in sorted(inside)
            if index in results or any(reader not in inside for reader in self.readers.get(index, ()))
        ]

    def with_followers(self, boxes: list[Box]) -> list[Box]:
        """Norms, activations and the like in the box of the layer in front, if nothing else reads that."""
        kept: list[Box] = []
        for box in boxes:
            before = kept[-1] if kept else None
            if before is not None and self._follows(box, before):
                before.layers += box.layers
            else:
                kept.append(Box(box.path, list(box.layers)))
        return kept

    def _follows(self, box: Box, before: Box) -> bool:
        node = box.layers[0].node
        last = before.layers[-1].node
        is_small = len(box.layers) == 1 and (node.layer.role in ("norm", "activation") or _moves_only(box.layers[0]))
        is_plain = before.layers[0].node.path == before.path  # a layer, not a scope
        return is_small and is_plain and node.inputs == (last.index,) and len(self.readers[last.index]) == 1

    def ends(self, box: Box) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What a box reads, and what reads it."""
        inside = {layer.node.index for layer in box.layers}
        sources = [source for layer in box.layers for source in layer.node.inputs if source not in inside]
        targets = [reader for index in inside for reader in self.readers.get(index, ()) if reader not in inside]
        return tuple(dict.fromkeys(sources)), tuple(dict.fromkeys(targets))


def _alike_as_one(boxes: list[Box], wiring: Wiring) -> list[Box]:
    """Many neighbours that are alike, and stand side by side between the same ones, as one."""
    if len(boxes) <= MOST_BESIDE:
        return boxes
    graph = wiring.analysis.graph

    def key(box: Box) -> tuple[object, ...]:
        sources, targets = wiring.ends(box)
        if len(sources) != 1 or len(targets) != 1:
            return (box.path,)
        return sources, targets, graph.alike[box.layers[0].node.index], box.shape, summary(box.path, box.layers, graph)

    found: list[Box] = []
    for _, group in groupby(boxes, key):
        run = list(group)
        if len(run) <= MOST_BESIDE:
            found += run
            continue
        text, _ = summary(run[0].path, run[0].layers, graph)
        layers = [layer for box in run for layer in box.layers]
        found.append(Box(f"{run[0].path} to {run[-1].path}", layers, text, len(run), beside=True))
    return found


def _repeated_as_one(boxes: list[Box], wiring: Wiring) -> list[Box]:
    """Scopes behind one another that are alike, layer by layer and line by line, as one."""
    graph = wiring.analysis.graph

    def key(box: Box) -> tuple[object, ...]:
        if len(box.layers) == 1 or box.beside or box.layers[0].node.path == box.path:
            return (box.path,)  # no scope
        nodes = [layer.node for layer in box.layers]
        return tuple([(graph.alike[node.index], *[node.index - source for source in node.inputs]) for node in nodes])

    found: list[Box] = []
    for _, group in groupby(boxes, key):
        run = list(group)
        if len(run) == 1:
            found += run
            continue
        text, repeats = summary(run[0].path, run[0].layers, graph)
        layers = [layer for box in run for layer in box.layers]
        name = f"{run[0].path} to {run[-1].path.rpartition('.')[2]}"
        words = f"{repeats} x ({text})" if repeats > 1 else text
        found.append(Box(name, layers, words, len(run), span=len(run[0].layers)))
    return found


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


def scopes(layers: list[LayerReport], depth: int) -> list[Box]:
    """A box for each scope of so many parts of the path."""

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


def open_units(boxes: list[Box], wiring: Wiring) -> None:
    """Draw the units of boxes inside them, where these branch and there is room.

    Args:
        boxes: of a diagram.
        wiring: of its network.
    """
    left = MOST_OPENED
    for box in boxes:
        if box.beside or (" to " in box.path and not box.span):
            continue
        inside = _unit_part(box, wiring)
        if inside is not None and len(inside.boxes) <= left:
            left -= len(inside.boxes)
            box.inside = inside
            box.first = "" if box.span else first_of(box.path, box.layers, wiring.analysis.graph)


def _unit_part(box: Box, wiring: Wiring) -> Part | None:
    """A typical unit of a box; None for a chain, or for what has too many parts."""
    path, layers = typical_unit(box.path.partition(" to ")[0], box.layers[: box.span or None])
    graph, depth = wiring.analysis.graph, path.count(".") + 2
    deepest = max([layer.node.path.count(".") for layer in layers]) + 1
    parts = scopes(layers, depth)
    while len(parts) == 1 and depth < deepest:
        depth += 1
        parts = scopes(layers, depth)
    parts = wiring.with_followers(parts)
    if not 1 < len(parts) <= MOST_INSIDE:
        return None
    edges = wiring.pairs(parts)
    if len({edge.source for edge in edges}) == len(edges):
        return None
    for part in parts:
        part.text, part.repeats = summary(part.path, part.layers, graph)
        part.path = part.path[len(path) + 1 :]
    leaving = wiring.leaving(layers)
    owner = owners(parts)
    return Part(parts, edges, sorted({owner[index] for index in leaving}), leaving)


def _moves_only(layer: LayerReport) -> bool:
    """Whether a layer computes nothing: dropout, flatten."""
    return layer.flops == 0 and layer.node.layer.role == "layer" and layer.storage != "new"
