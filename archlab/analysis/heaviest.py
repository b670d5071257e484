"""Which layers have most of a figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import NamedTuple

from archlab.analysis.figure import DEPLOYED
from archlab.analysis.memory.ledger import KINDS, Kind, Timeline
from archlab.analysis.result import Analysis, LayerReport
from archlab.graph import Node

MOST_NAMED = 3
"""Layers that are named."""


class Part(NamedTuple):
    """What a layer, or something that belongs to none, has of a figure.

    Attributes:
        name: the layer's path; `params`, `buffers`, `optimizer state` of what is there throughout.
        value: its part, in the figure's unit.
        share: of the whole.
        node: the layer; None for what belongs to none.
        what: what it holds at a peak: `output`, `gradient`, ...; empty elsewhere.
    """

    name: str
    value: int
    share: float
    node: Node | None = None
    what: Kind | None = None


def heaviest(analysis: Analysis, figure: str, most: int = MOST_NAMED) -> list[Part]:
    """The parts of a figure, the largest first; none of a stride, and of a field that is not finite.

    Args:
        analysis: of the network.
        figure: its name.
        most: how many.
    """
    dtype, _, part = figure.partition(".")
    if dtype in DEPLOYED:
        return heaviest(analysis.deployed(dtype), f"memory.{part}", most)
    if figure == "receptive_field":
        found = _growth(analysis)
    elif figure == "memory.inference_peak":
        found = _peak(analysis, analysis.inference)
    elif figure == "memory.ram":
        found = _alive(analysis, analysis.inference, analysis.total.memory.ram)
    elif figure == "memory.arena":
        found = _in_arena(analysis)
    elif figure == "memory.training_peak":
        found = [] if analysis.training is None else _peak(analysis, analysis.training)
    else:
        found = _sum(analysis, figure)
    return sorted(found, key=lambda part: -part.value)[:most]


def _sum(analysis: Analysis, figure: str) -> list[Part]:
    """Each layer's part of a sum over them."""
    part_of: dict[str, Callable[[LayerReport], int]] = {
        **{name: attrgetter(name) for name in ("params", "buffers", "macs", "flops", "activations")},
        "memory.params": lambda layer: analysis.weight_bytes(layer).params,
        "memory.buffers": lambda layer: analysis.weight_bytes(layer).buffers,
        "memory.flash": lambda layer: analysis.weight_bytes(layer).total,
        "memory.activations": attrgetter("activation_bytes"),
    }
    if figure not in part_of:
        return []
    return _parts([(layer.node, part_of[figure](layer)) for layer in analysis.layers])


def _parts(values: Iterable[tuple[Node, int]]) -> list[Part]:
    found = [(node, value) for node, value in values if value]
    whole = sum([value for _, value in found])
    return [Part(node.path, value, value / whole, node) for node, value in found]


def _peak(analysis: Analysis, timeline: Timeline) -> list[Part]:
    """What is alive at the peak: params and the like, and each layer's storages of one kind."""
    memory = analysis.total.memory
    state = timeline.base - memory.flash
    throughout = [
        ("params", memory.params),
        ("buffers", memory.buffers),
        ("scales and zero points", memory.quantization),
        ("optimizer state", state),
    ]
    whole = timeline.peak
    there = [Part(name, size, size / whole) for name, size in throughout if size]
    return there + _alive(analysis, timeline, whole)


def _alive(analysis: Analysis, timeline: Timeline, whole: int) -> list[Part]:
    """Each layer's storages of one kind that are alive at the peak."""
    nodes = analysis.graph.nodes
    held: dict[tuple[int, Kind], int] = {}
    for storage in timeline.holders(timeline.peak_moment):
        key = storage.node, storage.kind
        held[key] = held.get(key, 0) + storage.size
    found: list[Part] = []
    for (index, kind), size in sorted(held.items(), key=lambda item: (item[0][0], KINDS.index(item[0][1]))):
        node = nodes[index] if index >= 0 else None
        found.append(Part("the optimizer's step" if node is None else node.path, size, size / whole, node, kind))
    return found


def _in_arena(analysis: Analysis) -> list[Part]:
    """The tensors that are alive at an arena's peak."""
    arena, nodes = analysis.arena, analysis.graph.nodes
    if arena is None or not arena.size:
        return []
    whole = arena.size
    return [
        Part(
            f"{nodes[held.node].path} ({held.inner})" if held.inner else nodes[held.node].path,
            held.size,
            held.size / whole,
            nodes[held.node],
            None if held.inner else "output",
        )
        for held in arena.held
    ]


def _growth(analysis: Analysis) -> list[Part]:
    """How much wider each layer on the way sees than what it reads, along the axis that sees most."""
    nodes, at = analysis.graph.nodes, analysis.total.receptive_field_index
    fields = {layer.node.index: layer.receptive_field for layer in analysis.layers}

    def size(index: int, axis: int) -> int:
        found = fields[index].axes[axis] if index in fields else None
        return 1 if index not in fields else 0 if found is None else found.sizes[-1]

    finite = [(size(at, axis), -axis) for axis, field in enumerate(analysis.total.receptive_field.axes) if field]
    if not finite:
        return []
    whole, axis = max(finite)[0], -max(finite)[1]
    needed, found = {at}, []
    for node in reversed(nodes[: at + 1]):
        if node.index in needed and node.inputs:
            needed.update(node.inputs)
            grown = size(node.index, axis) - max(size(index, axis) for index in node.inputs)
            if grown > 0:
                found.append(Part(node.path, grown, grown / whole, node))
    return found[::-1]
