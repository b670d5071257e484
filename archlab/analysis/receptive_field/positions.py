"""The exact input positions that every unit of every map reads, borders included.

Slower than `receptive_field` by the size of the maps, and a witness against it: no periods, no intervals,
no closed forms. Each unit along each axis has a bit mask over the input's positions; what lies in the
padding does not exist here, but for paddings made of the map's own values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from archlab.analysis.facts import Facts
from archlab.graph import Graph
from archlab.layers.geometry import AxisReads, Phases, Reads, Whole, Window, everything
from archlab.layers.shape import Shape, map_size, size_along


class UnitPositions(NamedTuple):
    """What one unit reads along one axis.

    Attributes:
        mask: bit `i` for input position `i`.
        complete: whether no layer on the way read outside of its input, so that the mask is the whole field.
        solid: whether no unit on the way consists of padding only. Where one does along one axis, it reads
            nothing along the other either, which masks per axis cannot say.
        own: whether no padding on the way was made of the map's own values, which lie elsewhere in the input than
            the padding does.
    """

    mask: int
    complete: bool
    solid: bool = True
    own: bool = True


AxisPositions = list[UnitPositions]
MapPositions = tuple[AxisPositions, ...]
"""Of every unit along each axis."""


def positions_read(graph: Graph, facts: list[Facts], gates: Mapping[int, frozenset[int]]) -> list[MapPositions | None]:
    """For every node: what its units read along each axis of the first input; None where no way leads there.

    Two paths of different shape are united per axis, as receptive fields are. A value without these axes is one unit
    along each of them.

    Args:
        graph: the network.
        facts: of its nodes.
        gates: by node, the inputs that are left out, since what they see is context (`gate_inputs`).
    """
    extents = graph.input_shape[1:]
    found: list[MapPositions | None] = [tuple(map(_input_axis, extents))]
    sizes = [size_along(node.shape, len(extents)) for node in graph.nodes]
    for node, fact in zip(graph.layers, facts[1:], strict=True):
        size = sizes[node.index]
        sources: list[tuple[MapPositions, AxisReads]] = []
        solid = True
        for number, (source, reads) in enumerate(zip(node.inputs, fact.reads, strict=True)):
            positions = found[source]
            if positions is not None and number not in gates.get(node.index, ()):
                whole = size is None or sizes[source] is None
                sources.append((positions, everything(len(extents)) if whole else reads))
                solid = solid and not (whole and _leaves_out(reads, graph.nodes[source].shape, node.shape))
        units = (1,) * len(extents) if size is None else size
        read = tuple([_axis(sources, axis, count) for axis, count in enumerate(units)])
        if not solid:
            read = tuple([[unit._replace(solid=False) for unit in axis] for axis in read])
        found.append(read if sources else None)
    return found


def _leaves_out(reads: AxisReads, before: Shape, after: Shape) -> bool:
    """Whether a map with other axes than the input has units that consist of padding only."""
    pairs = zip(reads, map_size(before) or (), map_size(after) or ())  # noqa: B905 - of flat values there are none
    return any(
        not any(_is_there(read, at, size) for at in read.of(unit))
        for read, size, units in pairs
        if not isinstance(read, Whole)
        for unit in range(units)
    )


def _is_there(read: Window | Phases, at: int, size: int) -> bool:
    return 0 <= at < size or (isinstance(read, Window) and read.stands_in(at, size) is not None)


def _input_axis(size: int) -> AxisPositions:
    return [UnitPositions(1 << position, complete=True) for position in range(size)]


def _axis(sources: list[tuple[MapPositions, AxisReads]], axis: int, size: int) -> AxisPositions:
    ways = [_read(units[axis], reads[axis], size) for units, reads in sources]
    return ways[0] if len(ways) == 1 else [_unite(read) for read in zip(*ways, strict=True)]


def _unite(units: Iterable[UnitPositions]) -> UnitPositions:
    mask, complete, solid, own = 0, True, True, True
    for unit in units:
        mask |= unit.mask
        complete = complete and unit.complete
        solid = solid and unit.solid
        own = own and unit.own
    return UnitPositions(mask, complete, solid, own)


def _read(units: AxisPositions, reads: Reads, size: int) -> AxisPositions:
    if (
        isinstance(reads, Window) and reads.is_identity and size == len(units)
    ):  # zero_pad2d adds units behind without moving the others
        return units
    if isinstance(reads, Whole):
        return [_unite(units)] * size
    return [_gather(units, reads, unit) for unit in range(size)]


def _gather(units: AxisPositions, reads: Window | Phases, unit: int) -> UnitPositions:
    inside: list[UnitPositions] = []
    outside = stood_in = False
    for source in reads.of(unit):
        if 0 <= source < len(units):
            inside.append(units[source])
            continue
        outside = True
        inner = reads.stands_in(source, len(units)) if isinstance(reads, Window) else None
        if inner is not None:
            stood_in = True
            inside.append(units[inner])
    mask, complete, solid, own = _unite(inside)
    return UnitPositions(mask, complete and not outside, solid and mask != 0, own and not stood_in)
