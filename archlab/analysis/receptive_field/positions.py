"""The exact input positions that every unit of every map reads, borders included.

Slower than `receptive_field` by the size of the maps, and a witness against it: no periods, no intervals,
no closed forms. Each unit along each axis has a bit mask over the input's positions; what lies in the
padding does not exist here, but for paddings made of the map's own values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
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
        own: whether no padding on the way was made of the map's own values, which lie elsewhere in the input than
            the padding does.
    """

    mask: int
    complete: bool
    own: bool = True


AxisPositions = list[UnitPositions]
Way = tuple[AxisPositions, ...]
"""Of every unit along each axis, by paths whose units read nothing at the same places."""


class MapPositions(NamedTuple):
    """What units read.

    Attributes:
        ways: a unit reads, along each axis, what it reads by those ways that read something along every axis.
        solid: whether all that is told is really read. Of a map with other axes than the input, units may consist
            of padding only, which is not told.
    """

    ways: list[Way]
    solid: bool = True

    def along(self, axis: int) -> AxisPositions:
        """What some unit with each place along an axis reads: all ways together."""
        if len(self.ways) == 1:
            return self.ways[0][axis]
        return [_unite(units) for units in zip(*[way[axis] for way in self.ways], strict=True)]

    def unit(self, place: tuple[int, ...]) -> tuple[int, ...]:
        """The positions that one unit reads along each axis, as masks."""
        read = [[axis[at].mask for axis, at in zip(way, place, strict=True)] for way in self.ways]
        there = [masks for masks in read if all(masks)]
        return tuple([_or(masks) for masks in zip(*there, strict=True)]) if there else (0,) * len(place)


def positions_read(graph: Graph, facts: list[Facts], gates: Mapping[int, frozenset[int]]) -> list[MapPositions | None]:
    """For every node: what its units read along each axis of the first input; None where no way leads there.

    A value without these axes is one unit along each of them.

    Args:
        graph: the network.
        facts: of its nodes.
        gates: by node, the inputs that are left out, since what they see is context (`gate_inputs`).
    """
    extents = graph.input_shape[1:]
    found: list[MapPositions | None] = [MapPositions([tuple(map(_input_axis, extents))])]
    sizes = [size_along(node.shape, len(extents)) for node in graph.nodes]
    for node, fact in zip(graph.layers, facts[1:], strict=True):
        if node.layer.role == "source":
            found.append(None)
            continue
        size = sizes[node.index]
        units = (1,) * len(extents) if size is None else size
        ways: list[Way] = []
        solid = True
        for number, (source, reads) in enumerate(zip(node.inputs, fact.reads, strict=True)):
            positions = found[source]
            if positions is not None and number not in gates.get(node.index, ()):
                whole = size is None or sizes[source] is None
                along = everything(len(extents)) if whole else reads
                ways += [tuple(map(_read, way, along, units)) for way in positions.ways]
                solid = solid and positions.solid
                solid = solid and not (whole and _leaves_out(reads, graph.nodes[source].shape, node.shape))
        found.append(MapPositions(_together(ways), solid) if ways else None)
    return found


def _together(ways: list[Way]) -> list[Way]:
    """Those whose units read nothing at the same places as one: what reads them ends together."""
    alike: dict[tuple[tuple[bool, ...], ...], list[Way]] = {}
    for way in map(_ended, ways):
        alike.setdefault(tuple([tuple([unit.mask > 0 for unit in axis]) for axis in way]), []).append(way)
    return [some[0] if len(some) == 1 else _one(some) for some in alike.values()]


def _ended(way: Way) -> Way:
    """Nothing along every axis, where it is nothing along one."""
    if all(any(unit.mask for unit in axis) for axis in way):
        return way
    complete = all(unit.complete for axis in way for unit in axis)
    return tuple([[UnitPositions(0, complete)] * len(axis) for axis in way])


def _one(ways: list[Way]) -> Way:
    return tuple([[_unite(units) for units in zip(*along, strict=True)] for along in zip(*ways, strict=True)])


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


def _unite(units: Iterable[UnitPositions]) -> UnitPositions:
    mask, complete, own = 0, True, True
    for unit in units:
        mask |= unit.mask
        complete = complete and unit.complete
        own = own and unit.own
    return UnitPositions(mask, complete, own)


def _or(masks: Iterable[int]) -> int:
    return reduce(or_, masks)


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
    mask, complete, own = _unite(inside)
    return UnitPositions(mask, complete and not outside, own and not stood_in)
