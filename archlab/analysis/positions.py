"""The exact input positions that every unit of every map reads, borders included.

Slower than `receptive_field` by the size of the maps, and a witness against it: no periods, no intervals,
no closed forms. Each unit along each axis has a bit mask over the input's positions; what lies in the
padding does not exist here.
"""

from __future__ import annotations

from collections.abc import Iterator

from archlab.analysis.facts import Facts
from archlab.graph import Graph, Node
from archlab.layers.base import is_map
from archlab.layers.geometry import IDENTITY, Phases, Reads, Whole, Window

Masks = list[int]
"""For each unit along an axis: bit `i` for input position `i`."""
MasksPair = tuple[Masks, Masks]


def positions_read(graph: Graph, facts: list[Facts]) -> list[MasksPair | None]:
    """For every node: the masks along height and width; None where a node has no spatial axes.

    Two paths of different shape are united per axis, as receptive fields are.
    """
    found: list[MasksPair | None] = []
    for node, fact in zip(graph.nodes, facts, strict=True):
        if not is_map(node.shape):
            found.append(None)
        elif not node.inputs:
            found.append(([1 << i for i in range(node.shape[1])], [1 << i for i in range(node.shape[2])]))
        else:
            found.append((_axis(node, fact, found, 0), _axis(node, fact, found, 1)))
    return found


def _axis(node: Node, fact: Facts, found: list[MasksPair | None], axis: int) -> Masks:
    size = node.shape[1 + axis]
    united: Masks | None = None
    for source, pair in zip(node.inputs, fact.reads, strict=True):
        masks = found[source]
        if masks is None:
            continue
        read = _read(masks[axis], pair[axis], size)
        united = read if united is None else [a | b for a, b in zip(united, read, strict=True)]
    return united if united is not None else [0] * size


def _read(masks: Masks, reads: Reads, size: int) -> Masks:
    if reads == IDENTITY:
        return masks
    if isinstance(reads, Whole):
        whole = 0
        for mask in masks:
            whole |= mask
        return [whole] * size
    result: Masks = []
    for unit in range(size):
        mask = 0
        for source in units_read(reads, unit):
            if 0 <= source < len(masks):
                mask |= masks[source]
        result.append(mask)
    return result


def units_read(reads: Window | Phases, unit: int) -> Iterator[int]:
    """The input units, inside the map or not, that output `unit` reads."""
    if isinstance(reads, Window):
        start = unit * reads.stride - reads.padding
        yield from range(start, start + reads.kernel * reads.dilation, reads.dilation)
        return
    cycle, phase = divmod(unit, reads.up)
    for tap in reads.taps[phase]:
        yield cycle * reads.down + tap
